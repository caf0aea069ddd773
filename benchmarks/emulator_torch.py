"""The kernels of `emulator.py` in torch's own words, run eagerly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch


def tensors(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as torch has them: bf16 too."""
    return {name: tensor(value) if isinstance(value, np.ndarray) else value for name, value in arguments.items()}


def tensor(array: Any) -> torch.Tensor:
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def rmsnorm(a: Mapping[str, Any]) -> torch.Tensor:
    x: torch.Tensor = a["x"]
    weight: torch.Tensor = a["weight"]
    return x * torch.rsqrt((x * x).mean(1, keepdim=True) + 1e-5) * weight


def attention(a: Mapping[str, Any], causal: bool = False) -> torch.Tensor:
    return torch.nn.functional.scaled_dot_product_attention(a["q"], a["k"], a["v"], is_causal=causal, scale=a["scale"])


EXPRESSIONS: dict[str, Callable[[Mapping[str, Any]], torch.Tensor]] = {
    "matmul": lambda a: a["a"] @ a["b"],
    "linear_gelu": lambda a: torch.nn.functional.gelu(a["x"] @ a["w"] + a["bias"]),
    "softmax": lambda a: torch.softmax(a["x"], 1),
    "rmsnorm": rmsnorm,
    "attention": attention,
    "causal": lambda a: attention(a, causal=True),
}
