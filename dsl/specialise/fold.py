"""What an elementwise function gives for numbers that are known when the kernel is checked."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..functions import FUNCTIONS, Number


def folded(fn: str, values: Sequence[Number]) -> Number | None:
    """The value of `fn`, or None if it is left to run time: not foldable, undefined, or outside 32-bit integers."""
    fold = FUNCTIONS[fn].fold
    if fold is None:
        return None
    try:
        result = fold(*values)
    except (ArithmeticError, ValueError):
        return None
    if result is None or isinstance(result, bool):
        return result
    if isinstance(result, float):
        return None if math.isnan(result) else result
    return result if -(2**31) <= result < 2**31 else None
