"""Where rounding turns a comparison, a `round` or an `argmax` over, a right kernel is not called wrong; a wrong one stays it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tilery import dsl
from tilery.backends import emulator
from tilery.backends.numbers.rounding import to_storage
from tilery.backends.truth import accuracy
from tilery.backends.truth.comparison import Comparison
from tilery.backends.truth.reference import reference
from tilery.dsl.types import BF16, F32

KERNEL = """
kernel k(x: {x}[M, N]) -> y: {y}:
    reference:
        y[{kept}] = {wanted}
    tile m of M:
        y[{tiled}] = {body}
"""
Case = tuple[str, str, str, str]
"""The type of x, that of y, the expression, and one that is wrong in few elements or by little."""

SCALED, TENTH = "x[m, N] / max[N](abs(x[m, N])) * 127", "x[m, N] * 0.1 * 10.0"
CASES: dict[str, Case] = {
    "quantised": ("f32", "i8[M, N]", f"i8(round({SCALED}))", f"i8(floor({SCALED}))"),
    "stored": ("f32", "i8[M, N]", SCALED, f"{SCALED} + 0.1"),
    "compared": ("f32", "bool[M, N]", "x[m, N] / 3.0 + 1.0 > 1.5", "x[m, N] / 3.0 + 1.0 > 1.51"),
    "chosen": ("f32", "f32[M, N]", f"where({TENTH} > 1.0, 1.0, 0.0) + x[m, N]", "where(x[m, N] > 1.1, 1.0, 0.0) + x[m, N]"),
    "counted": ("f32", "i32[M]", f"sum[N](i32({TENTH} > 0.5))", f"1 + sum[N](i32({TENTH} > 0.5))"),
    "both": ("f32", "bool[M, N]", f"({TENTH} > 0.2) and ({TENTH} < 0.9)", f"({TENTH} > 0.2) or ({TENTH} < 0.9)"),
    "any": ("f32", "bool[M]", f"any[N](not ({TENTH} < 3.0))", f"all[N](not ({TENTH} < 3.0))"),
    "extreme": ("bf16", "i32[M]", "argmax[N](f32(bf16(x[m, N] + 8.0)))", "argmin[N](f32(bf16(x[m, N] + 8.0)))"),
    "quotient": ("f32", "f32[M, N]", "floor(round(x[m, N] * 9.0) / 41.0 * 41.0)", "floor(round(x[m, N] * 9.0) / 41.0 * 42.0)"),
    "whole quotient": ("f32", "f32[M, N]", "(round(x[m, N] * 9.0) * 0.1) // 0.1", "(round(x[m, N] * 9.0) * 0.1) // 0.1 + 9.0"),
    "remainder": ("f32", "f32[M, N]", "(round(x[m, N] * 90.0) * 0.1) % 2.0", "(round(x[m, N] * 90.0) * 0.1) % 2.1"),
    "back": ("i32", "i32[M, N]", "i32(f32(x[m, N]))", "i32(f32(x[m, N])) + 1000"),
}


def judged(kind: str, result: str, wanted: str, body: str, seed: int) -> Comparison:
    tiled = result.split("[")[1].rstrip("]").replace("M", "m")
    wanted, kept = wanted.replace("[m, N]", "[M, N]"), tiled.replace("m", "M")
    text = KERNEL.format(x=kind, y=result, kept=kept, tiled=tiled, wanted=wanted, body=body)
    (definition,) = dsl.parse(text).kernels.values()
    kernel, dims = definition.specialise({}, {}), {"M": 40, "N": 700}
    rng = np.random.default_rng(seed)
    x: Any = to_storage(rng.standard_normal((40, 700)).astype(np.float32), BF16 if kind == "bf16" else F32)
    if kind == "i32":
        x = rng.integers(2**26, 2**27, (40, 700), np.int32)
    got = emulator.compile(kernel, dims, {"m": 32})({"x": x})
    return accuracy.compare(kernel, dims, got, reference(kernel, dims, {"x": x}), {"x": x})


@pytest.mark.parametrize("name", CASES)
def test_a_right_kernel_is_never_wrong(name: str) -> None:
    kind, result, right, _ = CASES[name]
    found = [judged(kind, result, right, right, seed) for seed in range(6)]
    assert all(each.verdict != "wrong" for each in found), found
    assert any(each.ok for each in found), found


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_kernel_never_passes(name: str) -> None:
    kind, result, right, wrong = CASES[name]
    found = [judged(kind, result, right, wrong, seed) for seed in range(3)]
    assert all(each.verdict == "wrong" for each in found), found


def test_what_rounding_alone_decides_proves_nothing() -> None:
    near = f"{TENTH} > x[m, N]"
    assert judged("f32", "bool[M, N]", near, near, 0).verdict == "unproven"
