"""Element types as numpy knows them: how a number is stored, what it is while computing, and how it is rounded.

A tile has two forms. *Stored*, it is what device memory holds: two bytes for bf16, one for fp8. *Computing*, it is float32
for every float type, with values on that type's grid, int32 for every integer type, and bool for bool: BLAS and numpy's
vector loops work only on those. Rounding is to nearest even; what overflows a float type becomes an infinity of its sign.

`f8e4m3` is the IEEE-like type that the Neuron Kernel Interface calls `float8_e4m3` (largest finite number 240, with
infinities); `f8e4m3fn` is OCP's `float8_e4m3fn` (448, none: what overflows it is NaN). Of the 4-bit integers, which lie two a
byte in device memory, an array here has one a byte.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import inf
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from tilery.dsl.check.ranges import HELD
from tilery.dsl.types import ElementType

Array = NDArray[Any]

_STORAGE: dict[str, np.dtype[Any]] = {
    "f32": np.dtype(np.float32),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f16": np.dtype(np.float16),
    "f8e4m3": np.dtype(ml_dtypes.float8_e4m3),
    "f8e4m3fn": np.dtype(ml_dtypes.float8_e4m3fn),
    "f8e5m2": np.dtype(ml_dtypes.float8_e5m2),
    "i32": np.dtype(np.int32),
    "i16": np.dtype(np.int16),
    "i8": np.dtype(np.int8),
    "u16": np.dtype(np.uint16),
    "u8": np.dtype(np.uint8),
    "i4": np.dtype(ml_dtypes.int4),
    "u4": np.dtype(ml_dtypes.uint4),
    "bool": np.dtype(np.bool_),
}
_COMPUTE: dict[str, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "int": np.dtype(np.int32),
    "bool": np.dtype(np.bool_),
}


def numpy_dtype(t: ElementType) -> np.dtype[Any]:
    """How a tensor of `t` is stored; `ml_dtypes` for bf16 and fp8."""
    return _STORAGE[t.name]


def compute_dtype(t: ElementType) -> np.dtype[Any]:
    """How a tile of `t` is held while computing: float32, int32 or bool."""
    return _COMPUTE[t.kind]


def to_compute(x: Array, t: ElementType, out: Array | None = None) -> Array:
    """Stored elements of `t` -> computing form; exact. Without `out`, f32, i32 and bool are passed on uncopied,
    and float64, which a computation in high precision leaves."""
    dtype = compute_dtype(t)
    if out is None:
        if x.dtype == dtype or (x.dtype == np.float64 and t.kind == "float"):
            return x
        out = np.empty(x.shape, dtype)
    _widener(t.name)(x, out)
    return out


def to_storage(x: Array, t: ElementType, out: Array | None = None) -> Array:
    """Computing form -> stored elements of `t`, converting as `cast` does. `x` may be on any grid, and float64 too."""
    if out is None:
        if x.dtype == numpy_dtype(t):
            return x
        out = np.empty(x.shape, numpy_dtype(t))
    with np.errstate(all="ignore"):
        if t.name == "bf16" and x.dtype == np.float32:
            _in_blocks(_store_bf16, x, out)
        else:
            np.copyto(out, _integral(x, t) if t.kind == "int" else x, casting="unsafe")
    return out


def cast(x: Array, t: ElementType, out: Array | None = None) -> Array:
    """`t(x)`: computing form -> computing form of `t`.

    To a float type: rounds to nearest even. Float to integer: rounds to nearest even too, then stops at the ends of the
    type's range; NaN becomes 0. Integer to a narrower integer: keeps the low bits. To bool: not zero.
    Without `out`, the result may be `x` itself if nothing is to be done.
    """
    dtype = compute_dtype(t)
    if x.dtype == dtype == numpy_dtype(t):
        return _placed(x, out)
    if out is None:
        out = np.empty(x.shape, dtype)
    if t.name == "bf16" and x.dtype == np.float32:
        with np.errstate(all="ignore"):
            _in_blocks(_round_bf16, x, out)
        return out
    _in_blocks(lambda part, into: _widener(t.name)(to_storage(part, t), into), x, out)
    return out


def rounded(x: Array, t: ElementType, out: Array | None = None) -> Array:
    """float32 -> float32 on the grid of the float type `t` (int32 -> int32 wrapped into an integer type's range).

    `out` may be `x` itself. f32 has nothing to round: `x` is given back, or copied to `out`.
    """
    return cast(x, t, out)


def _placed(x: Array, out: Array | None) -> Array:
    if out is None:
        return x
    np.copyto(out, x)
    return out


def _integral(x: Array, t: ElementType) -> Array:
    """`x` as whole numbers that the type holds; what is no float is passed on, to be cut to its low bits."""
    if x.dtype.kind != "f":
        return x
    whole = x.astype(np.float64)  # its own array, and given as `out`, so that an array of no axes stays one
    np.rint(whole, out=whole)
    np.clip(whole, *integer_limits(t), out=whole)
    np.copyto(whole, 0, where=np.isnan(whole))
    return whole


@cache
def _widener(name: str) -> Callable[[Array, Array], None]:
    """The quickest exact way from a storage type to its computing form."""
    if name == "bf16":
        return _widen_bf16
    if name in ("f8e4m3", "f8e4m3fn", "f8e5m2"):
        table = np.arange(256, dtype=np.uint8).view(_STORAGE[name]).astype(np.float32)
        return lambda x, out: _in_blocks(lambda part, into: np.copyto(into, table[part.view(np.uint8)]), x, out)
    return lambda x, out: np.copyto(out, x, casting="unsafe")


# --- bf16 -------------------------------------------------------------------------------------------------------------
#
# Done on the bits, five passes in cache, rather than by ml_dtypes' conversions: those take as long, and hold the
# interpreter's lock, so that workers wait for each other.

_BLOCK = 1 << 16
"""Elements rounded at a time, which limits the temporary to a quarter of a mebibyte."""


def _widen_bf16(x: Array, out: Array) -> None:
    """bf16 is the upper half of an f32, so widening is a shift."""
    bits = out.view(np.uint32)
    np.copyto(bits, x.view(np.uint16))
    np.left_shift(bits, 16, out=bits)


def _in_blocks(work: Callable[[Array, Array], None], x: Array, out: Array) -> None:
    if x.size <= _BLOCK or x.shape != out.shape or not (x.flags.c_contiguous and out.flags.c_contiguous):
        work(x, out)
        return
    flat_x, flat_out = x.reshape(-1), out.reshape(-1)
    for start in range(0, x.size, _BLOCK):
        work(flat_x[start : start + _BLOCK], flat_out[start : start + _BLOCK])


def _round_bf16(x: Array, out: Array) -> None:
    if _has_nan(x):
        _widen_bf16(x.astype(_STORAGE["bf16"]), out)
        return
    np.bitwise_and(_carried(x), 0xFFFF0000, out=out.view(np.uint32))


def _store_bf16(x: Array, out: Array) -> None:
    if _has_nan(x):
        np.copyto(out, x, casting="unsafe")
        return
    bits = _carried(x)
    np.copyto(out.view(np.uint16), np.right_shift(bits, 16, out=bits), casting="unsafe")


def _carried(x: Array) -> Array:
    """The bits of `x` plus just under half a unit of bf16, or just half where that makes it even: the upper half is right."""
    bits = x.view(np.uint32)
    carried = np.empty(x.shape, np.uint32)  # given as `out`, so that an array of no axes stays one
    np.right_shift(bits, 16, out=carried)
    np.bitwise_and(carried, 1, out=carried)
    np.add(carried, 0x7FFF, out=carried)
    np.add(carried, bits, out=carried)
    return carried


def _has_nan(x: Array) -> bool:
    """Whether there is a NaN, whose bits must not be carried over: 0x7fffffff would become -0. (A maximum passes NaN on.)"""
    return x.size > 0 and bool(np.isnan(x.max()))


def largest_magnitude(t: ElementType) -> int:
    """The largest magnitude of an integer type's numbers."""
    limits = integer_limits(t)
    return max(-limits[0], limits[1])


def integer_limits(t: ElementType) -> tuple[int, int]:
    """The least and the greatest number of an integer type."""
    low, high = HELD[t.name]
    return int(low), int(high)


def every_number(t: ElementType) -> Array:
    """All numbers of a float type of one or two bytes, NaN and infinities among them."""
    return to_compute(all_stored(t), t)


def all_stored(t: ElementType) -> Array:
    """Every pattern of bits of a type of one or two bytes."""
    dtype = numpy_dtype(t)
    return np.arange(1 << 8 * dtype.itemsize).astype(f"u{dtype.itemsize}").view(dtype)


@cache
def largest_and_smallest(t: ElementType) -> tuple[float, float]:
    """The largest finite number of a type, and the smallest above 0 (no more than 0 for integers: nothing is lost)."""
    if t.kind != "float":
        return inf, 0.0
    if t.bytes > 2:
        return float(np.finfo(numpy_dtype(t)).max), float(np.finfo(numpy_dtype(t)).smallest_subnormal)
    numbers = every_number(t)
    positive = numbers[np.isfinite(numbers) & (numbers > 0)]
    return float(positive.max()), float(positive.min())
