"""Kernels whose meaning the executions once did not share, each held against the plain loop in every one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tilery.backends.machine.errors import CannotLower
from tilery.backends.numbers.rounding import to_storage
from tilery.dsl.types import ELEMENT_TYPES

from . import court, plain
from .kernels import Case
from .sums import Ledger

inf, nan = np.inf, np.nan


def agree(text: str, arguments: dict[str, Any], tiles: dict[str, int], smooth: bool = False) -> None:
    """Every execution gives what the plain loop gives: to the bit, or if smooth up to a few roundings."""
    found = court.trial(Case(0, text, tiles, arguments, smooth, unrounded=True))
    assert not found.faults, found.faults
    assert found.exact is not smooth
    assert {"fast emulator", "fast emulator in little memory", "stepwise", "exact"} <= {*found.ways}, found.ways


EXTREMES = """
kernel extremes(x: f32[M, N]) -> (first: i32[M], last: i32[M], low: f32[M], high: f32[M], upto: f32[M, N], each: f32[M, N]):
    reference:
        first[M] = argmax[N](x[M, N])
        last[M] = argmin[N](x[M, N])
        low[M] = min[N](x[M, N])
        high[M] = max[N](x[M, N])
        upto[M, N] = cummax[N](x[M, N])
        each[M, N] = max(min(x[M, N], 1), -1)
    tile m of M:
        first[m] = argmax[N](x[m, N])
        last[m] = argmin[N](x[m, N])
        low[m] = min[N](x[m, N])
        high[m] = max[N](x[m, N])
        upto[m, N] = cummax[N](x[m, N])
        each[m, N] = max(min(x[m, N], 1), -1)
"""
ROWS = [
    [1, 2, nan, 5, nan],
    [inf, nan, 1, inf, 0],
    [-inf, 3, -inf, nan, 2],
    [nan, nan, nan, nan, nan],
    [-inf, -inf, -inf, -inf, -inf],
    [2, inf, inf, 0, -inf],
    [3, 1, 1, 3, 2],
]


@pytest.mark.parametrize("size", [1, 3, 8])
def test_nan_is_the_extreme_and_the_first_one_wins(size: int) -> None:
    x = np.array(ROWS, np.float32)
    agree(EXTREMES, {"x": x}, {"m": size})


MEANS = """
kernel means(x: i32[M, N], b: bool[M, N]) -> (y: f32[M], z: f32[M]):
    reference:
        y[M] = mean[N](x[M, N])
        z[M] = mean[N](b[M, N])
    tile m of M:
        y[m] = mean[N](x[m, N])
        z[m] = mean[N](b[m, N])
"""


def test_a_mean_of_integers_does_not_wrap() -> None:
    x = np.array([[2**31 - 1] * 4, [-(2**31)] * 4, [1, 2, 3, 5]], np.int32)
    agree(MEANS, {"x": x, "b": x % 2 == 1}, {"m": 2}, smooth=True)


def sums(stored: str, term: str) -> str:
    """A kernel that adds the rows of a matrix into a result of a type."""
    return f"""
kernel sums(x: {term}[M, N]) -> y: {stored}[N]:
    tile m of M by 1, n of N:
        y[n] += sum[m](x[m, n])
"""


# The second sum is one that the type has, or nearest to another one than if its term had been rounded before.
COLUMNS = [[1.0, 256.0, 3.0, -1.0, 100.0, nan], [2.0**-9, 0.5, 0.75, 0.75, 0.5, 1.0], [0.5, -300.5, -0.25, inf, 0.25, 1.0]]


@pytest.mark.parametrize("stored", [each for each in ELEMENT_TYPES if each != "bool"])
@pytest.mark.parametrize("term", ["f32", "bf16"])
def test_an_addition_rounds_its_sum_and_never_its_term(stored: str, term: str) -> None:
    """The rows are added one after the other, so there is one answer although roundings do not commute."""
    x = to_storage(np.array(COLUMNS, np.float32), ELEMENT_TYPES[term])
    case = Case(0, sums(stored, term), {"m": 1, "n": 4}, {"x": x}, smooth=False, unrounded=False)
    kernel, dims = court.bound(case)
    want = plain.judged(kernel, case.arguments, case.tiles).results["y"]
    for name, way in court.ways(case, kernel, dims).items():
        try:
            got = way()["y"]
        except CannotLower:
            assert name.startswith("exact") and stored in ("f8e4m3fn", "i4", "u4"), name
            continue
        assert court.difference(got, want, 0.0) == "", name


def test_integers_are_added_to_floats_as_f32() -> None:
    agree(sums("f32", "i32"), {"x": np.array([[2**24 + 1, 7]], np.int32)}, {"m": 1, "n": 1})


@pytest.mark.parametrize(
    ("stored", "terms", "exact"),
    [
        ("bf16", [-0.75, 1.125, -0.03515625], False),  # in this order all fits; 1.125 - 0.03515625 does not
        ("bf16", [-0.75, 1.125, -0.0390625], True),
        ("f32", [-0.75, 1.125, -0.03515625], True),
        ("bf16", [1.00390625], True),  # rounded, and once only
        ("f8e4m3", [200.0, -200.0, 200.0], False),
        ("i8", [100.0, -100.0, 100.0], False),
        ("i8", [50.0, 77.0, -100.0], True),
        ("i32", [0.5, 0.5], False),
        ("u8", [1.0, -1.0], False),
    ],
)
def test_a_sum_is_exact_only_if_it_is_in_any_order(stored: str, terms: list[float], exact: bool) -> None:
    arguments = {"x": np.array([[each] for each in terms], np.float32)}
    assert plain.judged(sums(stored, "f32"), arguments, {"m": 1, "n": 1}).exact is exact


THIRDS = """
kernel thirds(x: i32[M]) -> y: f32[M]:
    reference:
        y[M] = f32(x[M] // 3)
    tile m of M:
        y[m] = f32(x[m] // 3)
"""


def test_a_reference_rounds_no_integer() -> None:
    """So the court holds it against the plain loop only where that has rounded none."""
    for number, held in ((3 * 2**24, True), (3 * 2**24 + 3, False)):
        found = court.trial(Case(0, THIRDS, {"m": 1}, {"x": np.array([number], np.int32)}, smooth=False, unrounded=True))
        assert not found.faults
        assert ("reference" in found.ways) is held


PRODUCTS = """
kernel products(a: i32[M, K], b: i32[M, K]) -> y: i32[M]:
    reference:
        y[M] = sum[K](a[M, K] * b[M, K])
    tile m of M:
        y[m] = dot[K](a[m, K], b[m, K])
"""


def test_products_of_integers_keep_their_low_bits() -> None:
    """Without an axis of its own on either side, a chip makes a contraction of a product and a sum: both in i32."""
    a = np.array([[2**31 - 1, -7, 12345], [2**24 + 1, 3, -(2**31)]], np.int32)
    agree(PRODUCTS, {"a": a, "b": a[::-1].copy()}, {"m": 2})


def test_what_a_sum_is_added_to_in_place_counts() -> None:
    """3 and -3 are exact in bf16 in either order, but not on top of 177/512."""
    for start, exact in ((0.0, True), (0.345703125, False)):
        ledger = Ledger.onto(start)
        ledger.add(3.0)
        ledger.add(-3.0)
        assert ledger.exact_as("bf16") is exact
