"""Functions of floats against float64, in units of the last place, over all of f32; the bounds are those of docs/accuracy.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import erf

from tilery.backends.operations import numerics

Floats = NDArray[np.float32]
Wide = NDArray[np.float64]

DOCS = Path(__file__).parents[2] / "docs" / "accuracy.md"
BOUNDS = {name: float(units) for name, units in re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", DOCS.read_text(), re.M)}
"""Units in the last place, by function."""

SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-45, -1e-45, 2.0**-126, -100.0, -20.0, -12.0, 1e7, 41.0, 8.0]


def _sigmoid(x: Wide) -> Wide:
    return np.asarray(np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))))


TRUTH: dict[str, Callable[..., Wide]] = {
    "exp": np.exp,
    "exp2": np.exp2,
    "log": np.log,
    "log2": np.log2,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "erf": erf,
    "sin": np.sin,
    "cos": np.cos,
    "div": np.true_divide,
    "pow": np.power,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "hypot": np.hypot,
    "expm1": np.expm1,
    "log1p": np.log1p,
    "tan": np.tan,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "cbrt": np.cbrt,
}
BINARY = ("div", "pow", "floordiv", "mod", "hypot", "atan2")


def drawn(seed: int) -> Floats:
    """Numbers of every exponent, ordinary ones, and special ones."""
    rng = np.random.default_rng(seed)
    patterns = rng.integers(0, 1 << 32, 1 << 18, np.uint32).view(np.float32)
    ordinary = (rng.standard_normal(1 << 18) * rng.choice([0.1, 1, 10, 100], 1 << 18)).astype(np.float32)
    return rng.permutation(np.concatenate([patterns, ordinary, np.array(SPECIAL, np.float32)]))


def units(got: Floats, want: Wide) -> Wide:
    """Errors in units of the last place; infinite where only one side is NaN or infinite in f32."""
    rounded = want.astype(np.float32)
    step = np.spacing(np.minimum(np.abs(want), 3e38).astype(np.float32)).astype(np.float64)
    errors = np.abs(got.astype(np.float64) - want) / step
    same = (got == rounded) | (np.isnan(got) & np.isnan(want))
    errors = np.where(same, np.where(np.isfinite(errors), np.minimum(errors, 0.5), 0.0), errors)
    return np.where(np.isnan(errors), np.inf, errors)


def test_the_table_has_every_function() -> None:
    assert set(BOUNDS) == set(TRUTH) == {*numerics.FLOAT_ONLY, "pow", "floordiv", "mod"}


@pytest.mark.parametrize("fn", TRUTH)
def test_bounds_over_all_of_f32(fn: str) -> None:
    operands = [drawn(0), drawn(1)] if fn in BINARY else [drawn(0)]
    if fn == "div":
        operands = [each[_reasonable(operands[1])] for each in operands]
    with np.errstate(all="ignore"):
        want = TRUTH[fn](*(each.astype(np.float64) for each in operands))
        errors = units(numerics.elementwise(fn, operands), want)
    worst = int(np.argmax(errors))
    assert errors[worst] <= BOUNDS[fn], [float(each[worst]) for each in operands]


def _reasonable(divisor: Floats) -> NDArray[np.bool_]:
    with np.errstate(all="ignore"):
        size = np.abs(divisor)
        return ((size >= 2.0**-126) & (size <= 2.0**126)) | ~np.isfinite(divisor)


def test_the_tails_of_sigmoid() -> None:
    x = np.array([-12, -20, -88, -95], np.float32)
    np.testing.assert_allclose(numerics.elementwise("sigmoid", [x]), np.exp(x.astype(np.float64)), rtol=1e-5)


@pytest.mark.parametrize("fn", TRUTH)
def test_bits_depend_on_nothing_but_the_operands(fn: str) -> None:
    """Not on neighbours, strides, or where the result goes: the two executions cut tiles differently."""
    x = drawn(2)[:30_000].reshape(150, 200)
    operands = [x, drawn(3)[:30_000].reshape(150, 200)] if fn in BINARY else [x]
    whole = numerics.elementwise(fn, operands)
    parts = numerics.elementwise(fn, [each[::3, ::7] for each in operands])
    np.testing.assert_array_equal(parts, whole[::3, ::7])
    turned = numerics.elementwise(fn, [each.T for each in operands])
    np.testing.assert_array_equal(turned, whole.T)
    for place in range(len(operands)):
        copies = [each.copy() for each in operands]
        np.testing.assert_array_equal(numerics.elementwise(fn, copies, out=copies[place]), whole)


def test_division_is_by_the_reciprocal() -> None:
    x = np.array([41, 7, 6, 1], np.float32)
    y = np.array([41, 7, 3, 10], np.float32)
    one_by_one = np.float32(1) / y
    np.testing.assert_array_equal(numerics.elementwise("div", [x, y]), x * one_by_one)
    assert numerics.elementwise("div", [x, y])[0] < 1
    assert numerics.elementwise("div", [x.astype(np.float64), y.astype(np.float64)])[0] == 1
    sums = np.full((2, 41), 1, np.float32)
    np.testing.assert_array_equal(numerics.reduce("mean", sums, (1,)), np.float32(41) * one_by_one[0])
