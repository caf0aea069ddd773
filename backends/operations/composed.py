"""Functions that the chip composes of others, as numpy does them quickest.

Each gives, to the bit, what the expansion in its record gives; `tests/emulator/test_operations.py` holds them together.

    a / b        a * (1 / b)              the reciprocal rounded to f32, then the product: no engine divides
    exp2(x)      exp(x * ln 2)            the product rounded to f32
    log2(x)      log(x) * (1 / ln 2)      the logarithm rounded to f32
    rsqrt(x)     1 / sqrt(x)
    sigmoid(x)   1 / (1 + exp(-x))        exp(x) where exp(-x) overflows

So 41 / 41 is 0.99999994, as on the chip: a kernel that floors or rounds such a result sees it here.
In float64, which is the reference's, nothing has to be like the chip: division divides, and exp2 and log2 are numpy's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LN_2 = math.log(2.0)
LARGEST_EXP = {4: 88.0, 8: 709.0}
"""Up to here exp is finite, by the bytes of the type."""
_BLOCK = 1 << 14
"""Elements divided at a time where the divisor's reciprocal needs room of its own."""


def divide(x: Array, y: Array, out: Array | None = None) -> Array:
    """`x / y`; at most as much again as `_BLOCK` elements, or a divisor smaller than the result, is held beside it."""
    if x.dtype == np.float64:
        return np.asarray(np.true_divide(x, y, out=out))
    if out is None or y.size < out.size:
        return np.asarray(np.multiply(x, np.reciprocal(y), out=out))
    if not np.may_share_memory(out, x):
        return np.asarray(np.multiply(x, np.reciprocal(y, out=out), out=out))
    if not (x.shape == y.shape and x.flags.c_contiguous and y.flags.c_contiguous and out.flags.c_contiguous):
        return np.asarray(np.multiply(x, np.reciprocal(y), out=out))
    flat_x, flat_y, flat_out = x.reshape(-1), y.reshape(-1), out.reshape(-1)
    for start in range(0, out.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        np.multiply(flat_x[part], np.reciprocal(flat_y[part]), out=flat_out[part])
    return out


def exp2(x: Array, out: Array | None = None) -> Array:
    """2 to the power of `x`."""
    if x.dtype == np.float64:
        return np.asarray(np.exp2(x, out=out))
    scaled = np.multiply(x, x.dtype.type(LN_2), out=out)
    return np.asarray(np.exp(scaled, out=out))


def log2(x: Array, out: Array | None = None) -> Array:
    """The logarithm to the base 2."""
    if x.dtype == np.float64:
        return np.asarray(np.log2(x, out=out))
    logarithm = np.log(x, out=out)
    return np.asarray(np.multiply(logarithm, x.dtype.type(1.0 / LN_2), out=out))


def rsqrt(x: Array, out: Array | None = None) -> Array:
    """One over the square root."""
    root = np.sqrt(x, out=out)
    return np.asarray(np.reciprocal(root, out=out))


def sigmoid(x: Array, out: Array | None = None) -> Array:
    """1 / (1 + exp(-x)), right to a few units in the last place down to the smallest number above 0."""
    edge = -LARGEST_EXP[x.dtype.itemsize]
    tail = (x < edge) if x.size and not x.min() >= edge else None  # NaN passes as small, and is none of the tail
    below = None if tail is None else np.exp(x[tail])
    result = np.exp(np.negative(x, out=out), out=out)
    one = x.dtype.type(1)
    result = np.asarray(np.reciprocal(np.add(result, one, out=out), out=out))
    if tail is not None:
        result[tail] = below
    return result
