"""What an elementwise function gives for numbers that are known when the kernel is checked."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence

Number = float | int | bool

_SMALL_POWER = 64
"""Exponents beyond this are left to run time: folding must never take long."""


def _power(base: Number, exponent: Number) -> Number | None:
    if not 0 <= exponent <= _SMALL_POWER or abs(base) >= 2**31:
        return None
    power: Number = base**exponent
    return power


_FOLDS: dict[str, Callable[..., Number | None]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": _power,
    "neg": operator.neg,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": operator.not_,
    "where": lambda c, a, b: a if c else b,
    "min": min,
    "max": max,
    "abs": abs,
}


def folded(fn: str, values: Sequence[Number]) -> Number | None:
    """The value of `fn`, or None if it is left to run time: not foldable, undefined, or outside 32-bit integers."""
    fold = _FOLDS.get(fn)
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
