"""The kernels of `emulator.py` in Triton, run by its interpreter, with the same tiles.

Operands of products are brought to f32: the interpreter (3.9) multiplies the bits of bf16 as if they were whole numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"  # read when a function is decorated

import torch
import triton
import triton.language as tl
from emulator_torch import tensors


@triton.jit
def _product(a, b, m, n, N, K: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    acc = tl.zeros((BM, BN), tl.float32)
    for start in range(0, K, BK):
        k = start + tl.arange(0, BK)
        left, right = tl.load(a + m[:, None] * K + k[None, :]), tl.load(b + k[:, None] * N + n[None, :])
        acc += tl.dot(left.to(tl.float32), right.to(tl.float32), input_precision="ieee")
    return acc


@triton.jit
def matmul_kernel(a, b, c, N, K: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    m, n = tl.program_id(0) * BM + tl.arange(0, BM), tl.program_id(1) * BN + tl.arange(0, BN)
    tl.store(c + m[:, None] * N + n[None, :], _product(a, b, m, n, N, K, BM, BN, BK))


@triton.jit
def linear_gelu_kernel(x, w, bias, y, N, K: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    m, n = tl.program_id(0) * BM + tl.arange(0, BM), tl.program_id(1) * BN + tl.arange(0, BN)
    h = _product(x, w, m, n, N, K, BM, BN, BK) + tl.load(bias + n)[None, :].to(tl.float32)
    tl.store(y + m[:, None] * N + n[None, :], 0.5 * h * (1 + tl.erf(h * 0.7071067811865476)))


@triton.jit
def softmax_kernel(x, y, N: tl.constexpr, BM: tl.constexpr):
    at = (tl.program_id(0) * BM + tl.arange(0, BM))[:, None] * N + tl.arange(0, N)[None, :]
    tile = tl.load(x + at).to(tl.float32)
    e = tl.exp(tile - tl.max(tile, 1)[:, None])
    tl.store(y + at, e / tl.sum(e, 1)[:, None])


@triton.jit
def rmsnorm_kernel(x, weight, y, N: tl.constexpr, BM: tl.constexpr):
    n = tl.arange(0, N)
    at = (tl.program_id(0) * BM + tl.arange(0, BM))[:, None] * N + n[None, :]
    tile = tl.load(x + at).to(tl.float32)
    scale = 1 / tl.sqrt(tl.sum(tile * tile, 1) / N + 1e-5)
    tl.store(y + at, tile * scale[:, None] * tl.load(weight + n)[None, :].to(tl.float32))


@triton.jit
def attention_kernel(q, k, v, o, scale, S, L: tl.constexpr, D: tl.constexpr, BI: tl.constexpr, BJ: tl.constexpr, C: tl.constexpr):
    h, d = tl.program_id(0), tl.arange(0, D)
    i = tl.program_id(1) * BI + tl.arange(0, BI)
    at = h * S * D + i[:, None] * D + d[None, :]
    query = tl.load(q + at).to(tl.float32)
    top, total = tl.full((BI,), float("-inf"), tl.float32), tl.zeros((BI,), tl.float32)
    acc = tl.zeros((BI, D), tl.float32)
    for start in range(0, L, BJ):
        if not C or start < (tl.program_id(1) + 1) * BI:
            j = start + tl.arange(0, BJ)
            there = h * L * D + j[:, None] * D + d[None, :]
            s = tl.dot(query, tl.trans(tl.load(k + there).to(tl.float32)), input_precision="ieee") * scale
            if C:
                s = tl.where(j[None, :] <= i[:, None], s, float("-inf"))
            new = tl.maximum(top, tl.max(s, 1))
            p, fade = tl.exp(s - new[:, None]), tl.exp(top - new)
            total = total * fade + tl.sum(p, 1)
            p, values = p.to(v.dtype.element_ty).to(tl.float32), tl.load(v + there).to(tl.float32)
            acc = acc * fade[:, None] + tl.dot(p, values, input_precision="ieee")
            top = new
    tl.store(o + at, acc / total[:, None])


def contestant(
    kernel: str, arguments: Mapping[str, Any], dims: Mapping[str, int], tiles: Mapping[str, int], causal: bool
) -> Callable[[], Any]:
    """Runs a kernel into a tensor of its own, and gives it."""
    a = tensors(arguments)
    grid: tuple[int, ...]
    rest: tuple[Any, ...]
    match kernel:
        case "matmul" | "linear_gelu":
            out = torch.empty(dims["M"], dims["N"], dtype=next(iter(a.values())).dtype)
            launch = {"matmul": matmul_kernel, "linear_gelu": linear_gelu_kernel}[kernel]
            grid = dims["M"] // tiles["m"], dims["N"] // tiles["n"]
            rest = dims["N"], dims["K"], tiles["m"], tiles["n"], tiles["k"]
        case "softmax" | "rmsnorm":
            out = torch.empty_like(a["x"])
            launch = {"softmax": softmax_kernel, "rmsnorm": rmsnorm_kernel}[kernel]
            grid, rest = (dims["M"] // tiles["m"],), (dims["N"], tiles["m"])
        case _:
            out = torch.empty_like(a["q"])
            launch, grid = attention_kernel, (dims["H"], dims["S"] // tiles["i"])
            rest = a.pop("scale"), dims["S"], dims["L"], dims["D"], tiles["i"], tiles["j"], causal

    def run() -> Any:
        given = [each for each in a.values() if isinstance(each, torch.Tensor)]
        launch[grid](*given, out, *rest)
        return out.to(torch.float32).numpy()

    return run
