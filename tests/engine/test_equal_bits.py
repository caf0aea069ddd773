"""What is floored, rounded or cast after a division, a mean or a function has the same bits in both executions."""

from __future__ import annotations

import numpy as np
import pytest

from tilery import dsl
from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.truth.data import Argument

DIMS = {"M": 70, "N": 90}
EXPRESSIONS = [
    ("i8", "i8(round(x[m, N] / z[m, N]))"),
    ("i8", "i8(round(x[m, N] / 0.037))"),
    ("f32", "floor(x[m, N] / z[m, N] * 41)"),
    ("f8e4m3", "f8e4m3(x[m, N] / (1 + z[m, N]))"),
    ("f8e5m2", "f8e5m2(1 / z[m, N])"),
    ("i8", "i8(round(x[m, N] / mean[N](z[m, N])))"),
    ("i8", "i8(x[m, N] * (127 / max[N](abs(x[m, N]))))"),
    ("f32", "floor(log2(z[m, N]) * 4)"),
    ("f32", "round(exp2(x[m, N]) * 16)"),
    ("i8", "i8(round(exp(x[m, N] * 0.3 + 1)))"),
    ("i8", "i8(round(exp(x[m, N] - max[N](x[m, N])) * 127))"),
    ("i8", "i8(round(sigmoid(x[m, N]) * 127))"),
    ("bf16", "bf16(tanh(x[m, N]) * rsqrt(z[m, N]))"),
    ("i8", "i8(round(cos(x[m, N] * 100) * 127))"),
    ("i8", "i8(round(gelu(x[m, N]) * 16))"),
    ("f8e4m3", "f8e4m3(silu(x[m, N]) / z[m, N])"),
    ("f32", "x[m, N] ** 2 / z[m, N]"),
]
"""The result's type and what it is. Sums are of numbers whose sums are exact: additions have no order."""


@pytest.mark.parametrize("chip", ["trn1", "trn2"])
@pytest.mark.parametrize(("kind", "expression"), EXPRESSIONS, ids=[text for _, text in EXPRESSIONS])
def test_both_executions_give_the_same_bits(kind: str, expression: str, chip: str) -> None:
    text = f"kernel k(x: f32[M, N], z: f32[M, N]) -> y: {kind}[M, N]:\n    tile m of M:\n        y[m, N] = {expression}\n"
    (definition,) = dsl.parse(text).kernels.values()
    kernel = definition.specialise({}, {})
    rng = np.random.default_rng(7)
    arguments: dict[str, Argument] = {
        "x": (rng.integers(-2000, 2000, (70, 90)) / 512).astype(np.float32),
        "z": (rng.integers(1, 2000, (70, 90)) / 512).astype(np.float32),
    }
    config = engine.default_config(kernel, DIMS, load_chip(chip))
    exact = engine.execute(engine.lower(kernel, DIMS, load_chip(chip), config), arguments)["y"]
    fast = emulator.compile(kernel, DIMS, {"m": 32})(arguments)["y"]
    np.testing.assert_array_equal(exact.view(f"u{exact.itemsize}"), fast.view(f"u{fast.itemsize}"))


def test_the_cosine_of_a_large_argument() -> None:
    """cos(x + pi / 2) in f32 would be -0.99999 at 1e7."""
    text = "kernel k(x: f32[M, N]) -> y: f32[M, N]:\n    tile m of M:\n        y[m, N] = cos(x[m, N])\n"
    (definition,) = dsl.parse(text).kernels.values()
    kernel, dims = definition.specialise({}, {}), {"M": 1, "N": 4}
    x = np.array([[1e7, 1e5, 3.0, -2e6]], np.float32)
    config = engine.default_config(kernel, dims, load_chip("trn2"))
    exact = engine.execute(engine.lower(kernel, dims, load_chip("trn2"), config), {"x": x})["y"]
    np.testing.assert_allclose(exact, np.cos(x.astype(np.float64)), rtol=1e-6)
