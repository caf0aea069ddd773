"""Every storage type against ml_dtypes or numpy, over all its numbers and over the floats between them."""

import math

import ml_dtypes
import numpy as np
import pytest

from tilery.backends.numbers.rounding import all_stored
from tilery.backends.operations import numerics
from tilery.dsl.types import BF16, BOOL, ELEMENT_TYPES, F8E4M3, F8E5M2, F16, F32, I8, I16, I32, U8, ElementType

NARROW_FLOATS = (BF16, F16, F8E4M3, F8E5M2)


def bits(x: numerics.Array) -> numerics.Array:
    return np.ascontiguousarray(x).view(np.dtype(f"u{x.dtype.itemsize}"))


def same(x: numerics.Array, y: numerics.Array) -> bool:
    """Equal bit for bit, any NaN equal to any other."""
    nan = np.isnan(x) & np.isnan(y)
    return bool(np.all(nan | (bits(x) == bits(y))))


@pytest.mark.parametrize("t", NARROW_FLOATS, ids=str)
def test_every_stored_number_survives_a_round_trip(t: ElementType) -> None:
    stored = all_stored(t)
    computing = numerics.to_compute(stored, t)
    assert computing.dtype == np.float32
    assert same(computing, stored.astype(np.float32))
    assert same(numerics.to_storage(computing, t).astype(np.float32), stored.astype(np.float32))
    assert same(numerics.rounded(computing, t), computing)


@pytest.mark.parametrize("t", (I8, U8, I16), ids=str)
def test_every_integer_survives_a_round_trip(t: ElementType) -> None:
    ends = np.iinfo(numerics.numpy_dtype(t))
    numbers = np.arange(ends.min, ends.max + 1)
    computing = numerics.to_compute(numbers.astype(numerics.numpy_dtype(t)), t)
    assert computing.dtype == np.int32 and np.array_equal(computing, numbers)
    assert np.array_equal(numerics.to_storage(computing, t), numbers)
    assert np.array_equal(numerics.cast(computing.astype(np.float32), t), numbers)
    beyond = np.arange(-(1 << 17), 1 << 17, dtype=np.int32)
    assert np.array_equal(numerics.cast(beyond, t), beyond.astype(numerics.numpy_dtype(t)))


@pytest.mark.parametrize("t", NARROW_FLOATS, ids=str)
def test_ties_go_to_even_and_neighbours_do_not(t: ElementType) -> None:
    """Half-way between two neighbours of the grid, and one f32 either side of it."""
    stored = all_stored(t)
    numbers = numerics.to_compute(stored, t)
    grid = np.unique(numbers[np.isfinite(numbers)].astype(np.float64))
    low, high = grid[:-1], grid[1:]
    middle = ((low + high) / 2).astype(np.float32)
    exact = middle.astype(np.float64) == (low + high) / 2
    below, above = np.nextafter(middle, np.float32(-np.inf)), np.nextafter(middle, np.float32(np.inf))
    even = numerics.to_storage(low, t).view(f"u{t.bytes}") % 2 == 0
    assert np.all(numerics.rounded(middle, t)[exact] == np.where(even, low, high)[exact])
    assert np.all(numerics.rounded(below, t)[exact] == low[exact])
    assert np.all(numerics.rounded(above, t)[exact] == high[exact])


@pytest.mark.parametrize("t", NARROW_FLOATS, ids=str)
def test_random_bits_round_as_the_storage_type_does(t: ElementType) -> None:
    """All exponents, denormals, NaN of every payload (0x7fffffff among them), infinities."""
    patterns = np.random.default_rng(0).integers(0, 1 << 32, 100_000, dtype=np.uint32)
    patterns[:6] = [0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001, 0x7F800000, 0xFF800000, 0x80000000]
    x = patterns.view(np.float32)
    with np.errstate(all="ignore"):
        want = x.astype(numerics.numpy_dtype(t)).astype(np.float32)
    assert same(numerics.rounded(x, t), want)
    assert same(numerics.to_storage(x, t).astype(np.float32), want)
    out = x.copy()
    assert numerics.rounded(out, t, out) is out
    assert same(out, want)


def test_strided_views_are_rounded_in_place_of_themselves() -> None:
    x = np.random.default_rng(0).standard_normal((6, 10)).astype(np.float32)
    view, want = x[1:5:2, ::3], x[1:5:2, ::3].astype(ml_dtypes.bfloat16).astype(np.float32)
    numerics.rounded(view, BF16, view)
    assert same(x[1:5:2, ::3].copy(), want)


@pytest.mark.parametrize("t", (I8, I16, U8, I32), ids=str)
def test_float_to_integer_rounds_to_even_and_stops_at_the_ends(t: ElementType) -> None:
    x = np.array([2.5, 3.5, -0.5, 1e30, -1e30, np.inf, -np.inf, np.nan], np.float32)
    ends = np.iinfo(numerics.numpy_dtype(t))
    assert numerics.cast(x, t).tolist() == [2, 4, 0, ends.max, ends.min, ends.max, ends.min, 0]


def test_integers_keep_their_low_bits() -> None:
    x = np.array([300, -1, 128], np.int32)
    assert numerics.cast(x, I8).tolist() == [44, -1, -128]
    assert numerics.cast(x, U8).tolist() == [44, 255, 128]
    assert numerics.cast(x, BOOL).tolist() == [True, True, True]
    assert numerics.cast(np.array([16777217], np.int32), F32).tolist() == [16777216.0]
    assert numerics.cast(np.array([257], np.int32), BF16).tolist() == [256.0]


@pytest.mark.parametrize("t", ELEMENT_TYPES.values(), ids=str)
def test_every_type_has_both_forms(t: ElementType) -> None:
    assert numerics.numpy_dtype(t).itemsize == math.ceil(t.bytes)
    x = np.ones(3, numerics.compute_dtype(t))
    assert numerics.to_compute(numerics.to_storage(x, t), t).dtype == numerics.compute_dtype(t)


def test_overflow_is_an_infinity() -> None:
    x = np.array([1e38, -300.0, 70000.0], np.float32)
    assert numerics.rounded(x * np.float32(1), F8E4M3).tolist() == [np.inf, -np.inf, np.inf]
    assert numerics.rounded(x, F16).tolist()[2] == np.inf
