"""The shipped kernels, specialised, with shapes of their own: small, and ragged in every dimension."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tilery.dsl import load
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

KERNELS = Path(__file__).parents[1] / "kernels"

SHAPES: dict[str, tuple[dict[str, int], ...]] = {
    "matmul": ({"M": 128, "K": 128, "N": 128}, {"M": 256, "K": 384, "N": 640}, {"M": 201, "K": 333, "N": 517}),
    "matmul_kmajor": ({"M": 64, "K": 128, "N": 512}, {"M": 384, "K": 256, "N": 256}, {"M": 131, "K": 259, "N": 613}),
    "linear_gelu": ({"M": 128, "K": 256, "N": 128}, {"M": 256, "K": 128, "N": 1024}, {"M": 77, "K": 141, "N": 303}),
    "softmax": ({"M": 128, "N": 64}, {"M": 256, "N": 1024}, {"M": 203, "N": 777}),
    "rmsnorm": ({"M": 128, "N": 256}, {"M": 384, "N": 512}, {"M": 171, "N": 1001}),
    "attention": (
        {"H": 1, "S": 128, "L": 128, "D": 64},
        {"H": 2, "S": 256, "L": 384, "D": 128},
        {"H": 3, "S": 197, "L": 219, "D": 37},
    ),
}
"""Three shapes a kernel; the last is ragged in every dimension."""


@cache
def specialised(name: str, element: str, causal: bool | None = None) -> Program:
    """A shipped kernel with its type variable bound."""
    definition = load(KERNELS / f"{name}.tk").kernels[name]
    constants: Mapping[str, bool] = {} if causal is None else {"causal": causal}
    return definition.specialise({"T": ELEMENT_TYPES[element]}, constants)


def variants(name: str) -> tuple[bool | None, ...]:
    """The constants to try: attention is causal or not."""
    return (True, False) if name == "attention" else (None,)
