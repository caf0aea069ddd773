"""Whether elements of arrays lie in the same memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MOST_WORK = 10_000
"""How much work `overlap` does before it assumes an overlap."""
MOST_ELEMENTS = 1 << 24
"""Arrays with unusual strides are examined element by element up to this size."""


def overlap(one: Array, other: Array) -> bool:
    """Whether two arrays share memory. Also true for a few pairs for which the answer would take too long."""
    if not np.may_share_memory(one, other):
        return False
    try:
        return bool(np.shares_memory(one, other, max_work=MOST_WORK))  # type: ignore[arg-type]  # numpy takes any number
    except np.exceptions.TooHardError:
        return True


def overlaps_itself(array: Array) -> bool:
    """Whether two elements of an array share memory, as in a row that a stride of 0 repeats."""
    reach = array.itemsize
    for stride, extent in sorted((abs(stride), extent) for stride, extent in zip(array.strides, array.shape, strict=True)):
        if extent < 2:
            continue
        if stride < reach:
            return array.size > MOST_ELEMENTS or _any_twice(array)
        reach += stride * (extent - 1)
    return False


def _any_twice(array: Array) -> bool:
    """The same, by the address of every element: strides can interlock without an overlap."""
    places = np.zeros(1, np.int64)
    for stride, extent in zip(array.strides, array.shape, strict=True):
        places = np.add.outer(places, np.arange(extent) * stride).ravel()
    return bool(places.size > 1 and np.diff(np.sort(places)).min() < array.itemsize)
