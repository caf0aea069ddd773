"""4-bit integers as other programs keep them: two a byte, the first in the low bits, rows of whole bytes."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from tilery.backends.numbers.rounding import numpy_dtype
from tilery.dsl.errors import UsageError
from tilery.dsl.types import ElementType

Array = NDArray[Any]

FOUR_BITS = (np.dtype(ml_dtypes.int4), np.dtype(ml_dtypes.uint4))


def unpacked(name: str, array: Array, t: ElementType) -> Array:
    """Bytes as twice as many elements along the last dimension, an array of `ml_dtypes`; what is no array of bytes, as it is."""
    if array.dtype not in (np.uint8, np.int8):
        return array
    if not array.ndim:
        raise UsageError(f"`{name}` is a single byte, and {t} are two a byte: give it a dimension")
    array = array.view(np.uint8)
    low, high = array & 0xF, array >> 4
    both = np.stack([low, high], axis=-1).reshape(*array.shape[:-1], -1)
    return both.astype(numpy_dtype(t))


def packed(array: Array) -> Array:
    """The bytes of an array of 4-bit integers; a row of an odd number ends in a half that is 0."""
    bits = array.astype(np.int8).view(np.uint8) & 0xF
    if bits.shape[-1] % 2:
        bits = np.concatenate([bits, np.zeros_like(bits[..., :1])], axis=-1)
    return np.asarray(bits[..., ::2] | (bits[..., 1::2] << 4))
