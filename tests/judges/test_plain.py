"""The plain loop itself: against answers worked out by hand or by numpy alone, and its numbers against those of ml_dtypes."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest

from . import kernels, numbers, plain

X = np.arange(1, 7, dtype=np.float32)


def test_windows_add_up() -> None:
    text = """
kernel windows(x: T[W], w: T[S]) -> y: f32[W + S - 1]:
    tile j of W, s of S:
        y[j + s] += x[j] * w[s]
"""
    w = np.array([1, 2, 3], np.float32)
    found = plain.judged(text, {"x": X, "w": w}, {"j": 4, "s": 2})
    assert found.results["y"].tolist() == np.convolve(X, w).tolist()
    assert found.exact


def test_loops_carry_and_guards_leave_out() -> None:
    text = """
kernel carried(x: T[N], K_: T[K]) -> (fib: f32[N], kept: i32[N]):
    tile n of N:
        a = zeros[n]
        b = full[n](1.0)
        count = full[n](0)
        for k of K if any(k > 2):
            c = a + b
            a = b
            b = c
            count += sum[k](full[k](1))
        fib[n] = b + 0 * x[n]
        kept[n] = count
"""
    found = plain.judge(text, {"x": X, "K_": np.zeros(5, np.float32)}, {"n": 4, "k": 2})
    assert found["fib"].tolist() == [2.0] * 6  # of the steps 0..1, 2..3 and 4 the first is left out
    assert found["kept"].tolist() == [3] * 6


def test_argmax_counts_over_the_dimension_and_nan_is_largest() -> None:
    text = """
kernel places(x: f32[N]) -> (top: i32[N], low: i32[N]):
    tile n of N:
        top[n] = argmax[n](x[n]) + 0 * n
        low[n] = argmin[n](x[n]) + 0 * n
"""
    x = np.array([1, 5, 5, np.nan, 2, np.nan], np.float32)
    found = plain.judge(text, {"x": x}, {"n": 3})
    assert found["top"].tolist() == [1, 1, 1, 3, 3, 3]
    assert found["low"].tolist() == [0, 0, 0, 3, 3, 3]


def test_reads_outside_and_data_that_point_outside() -> None:
    text = """
kernel beside(x: T[N], at: i32[N]) -> (y: T[N], z: T[N]):
    tile n of N:
        y[n] = x[n - 1, else 9]
        z[n] = x[at[n]]
"""
    at = np.array([5, 0, 0, 1, 2, 3], np.int32)
    found = plain.judge(text, {"x": X, "at": at}, {"n": 4})
    assert found["y"].tolist() == [9, 1, 2, 3, 4, 5]
    assert found["z"].tolist() == X[at].tolist()
    with pytest.raises(plain.Stray):
        plain.judge(text, {"x": X, "at": at - 1}, {"n": 4})


def test_what_rounds_is_not_exact() -> None:
    text = """
kernel third(x: T[N]) -> y: f32[N]:
    tile n of N:
        y[n] = x[n] * 0.1
"""
    assert not plain.judged(text, {"x": X}, {"n": 4}).exact
    total = "kernel total(x: T[N, M]) -> y: f32[N]:\n    tile n of N:\n        y[n] = sum[M](x[n, M])\n"
    assert plain.judged(total, {"x": X.reshape(2, 3)}, {"n": 1}).exact
    assert not plain.judged(total, {"x": np.array([[2.0**24, 1, 1]], np.float32)}, {"n": 1}).exact


DTYPES = {"bf16": ml_dtypes.bfloat16, "f16": np.float16, "f8e4m3": ml_dtypes.float8_e4m3, "f8e5m2": ml_dtypes.float8_e5m2}


@pytest.mark.parametrize("name", DTYPES)
def test_rounding_is_that_of_the_formats(name: str) -> None:
    """On every number of the format, halfway between two of them, and a little beside."""
    bits = 16 if name.endswith("16") else 8
    grid = np.arange(1 << bits).astype(f"u{bits // 8}").view(DTYPES[name]).astype(np.float32)
    grid = np.unique(grid[np.isfinite(grid)])
    halves = ((grid[1:].astype(np.float64) + grid[:-1]) / 2).astype(np.float32)
    beyond = np.array([3e38, 1e6, 260, 247, 248, 249, 65519, 65520, np.inf, 61439, 61440], np.float32)
    some = np.concatenate(
        [grid, halves, np.nextafter(halves, np.float32(np.inf)), np.nextafter(halves, np.float32(-np.inf)), beyond]
    )
    some = some[:: max(1, some.size // 20000)]
    with np.errstate(over="ignore"):
        want = some.astype(DTYPES[name]).astype(np.float64)
    got = [numbers.rounded(float(each), name) for each in some]
    np.testing.assert_array_equal(got, want)


def test_single_numbers() -> None:
    assert numbers.as_type(300, "i8") == 44
    assert numbers.as_type(300.0, "i8") == 127
    assert numbers.as_type(2.5, "i32") == 2
    assert numbers.as_type(math.nan, "u8") == 0
    assert numbers.as_type(-math.inf, "i32") == -(2**31)
    assert numbers.as_type(math.nan, "bool") is True
    assert numbers.OF_INTEGERS["floordiv"](5, 0) == 0
    assert numbers.OF_INTEGERS["pow"](-1, -(2**31)) == 1
    assert numbers.OF_INTEGERS["pow"](0, -1) == 0
    assert numbers.wrapped(2**31) == -(2**31)
    assert numbers.OF_FLOATS["mod"](-1.0, 3.0) == 2.0
    assert numbers.OF_FLOATS["floordiv"](1.0, 0.0) == math.inf
    assert numbers.OF_FLOATS["pow"](-8.0, 3.0) == -512.0
    assert math.isnan(numbers.OF_FLOATS["log"](-1.0))


@pytest.mark.parametrize("part", range(2))
def test_drawn_kernels_are_right(part: int) -> None:
    """As the checker sees them: what the generator draws is a kernel, whatever the seed."""
    for seed in range(part * 30, part * 30 + 30):
        made = kernels.case(seed)
        kernels.checked(made)
        assert str(kernels.case(seed)) == str(made)
