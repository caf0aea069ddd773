"""Whether elements of arrays lie in the same memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MOST_WORK = 10_000
"""How long `overlap` looks before it says that there is some."""
MOST_ELEMENTS = 1 << 24
"""Up to how many elements of an unusual array are looked at one by one."""


def overlap(one: Array, other: Array) -> bool:
    """Whether two arrays have memory in common; also true for a few where that is hard to find out."""
    if not np.may_share_memory(one, other):
        return False
    try:
        return bool(np.shares_memory(one, other, max_work=MOST_WORK))  # type: ignore[arg-type]  # numpy takes any number
    except np.exceptions.TooHardError:
        return True


def overlaps_itself(array: Array) -> bool:
    """Whether two elements of an array have memory in common, as in a row that is repeated by a stride of 0."""
    reach = array.itemsize
    for stride, extent in sorted((abs(stride), extent) for stride, extent in zip(array.strides, array.shape, strict=True)):
        if extent < 2:
            continue
        if stride < reach:
            return array.size > MOST_ELEMENTS or _any_twice(array)
        reach += stride * (extent - 1)
    return False


def _any_twice(array: Array) -> bool:
    """The same, by the place of every element: strides may interlock without an overlap."""
    places = np.zeros(1, np.int64)
    for stride, extent in zip(array.strides, array.shape, strict=True):
        places = np.add.outer(places, np.arange(extent) * stride).ravel()
    return bool(places.size > 1 and np.diff(np.sort(places)).min() < array.itemsize)
