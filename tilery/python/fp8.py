"""The two 8-bit types of four exponent bits: the chip's `f8e4m3`, and OCP's `e4m3fn`, which torch has.

Up to 240 both have the same values in the same bits. Where `f8e4m3` has infinities, and further NaNs, `e4m3fn` goes on to 448;
its only NaN is one of `f8e4m3` too.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from tilery.dsl.errors import UsageError

Array = NDArray[Any]

OURS = np.dtype(ml_dtypes.float8_e4m3)
FN = np.dtype(ml_dtypes.float8_e4m3fn)
_EXPONENT, _MAGNITUDE, _NAN = 0x78, 0x7F, 0x7F


def from_fn(name: str, array: Array) -> Array:
    """Reinterprets `e4m3fn` as `f8e4m3`. Raises `UsageError` if a value would change."""
    magnitude = array.view(np.uint8) & _MAGNITUDE
    if np.any((magnitude >= _EXPONENT) & (magnitude != _NAN)):
        raise UsageError(
            f"`{name}` is float8_e4m3fn with numbers beyond 240, the largest of f8e4m3: scale them down, or declare it f8e4m3fn"
        )
    return array.view(OURS)


def as_fn(array: Array) -> Array:
    """Rewrites `f8e4m3` as `e4m3fn` in place: infinities and NaNs become its NaN."""
    bits = array.view(np.uint8)
    bits[(bits & _EXPONENT) == _EXPONENT] |= _NAN
    return array.view(FN)
