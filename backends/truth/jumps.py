"""What an error does where a function jumps: a comparison turns over, `round` and a cast to an integer take another step.

To first order such an error is nothing or everything. Here a value is said to be off by a whole jump wherever its operands'
errors reach one: `spreads` are how far the operands may be off, in absolute terms. What results is the largest error, 0 nearly
everywhere. A `where` whose condition may turn over may be off by the distance of its arms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tilery.dsl.types import ElementType

from ..operations import numerics
from ..operations.numerics import Array

Jump = Callable[[Sequence[Array], Sequence[Array]], Array]
"""Given the operands and their spreads, the largest error of the function's jumps."""


def stepped(function: Callable[[Array], Array], x: Array, spread: Array) -> Array:
    """How far a function that goes up in steps, or down, may be off."""
    middle = function(x).astype(np.float64)
    ends = (function(x - spread).astype(np.float64), function(x + spread).astype(np.float64))
    off = np.maximum(*(np.abs(each - middle) for each in ends))
    return np.where(spread > 0, np.where(np.isfinite(spread), off, np.inf), 0.0)


def converted(x: Array, spread: Array, t: ElementType) -> Array:
    """How far `x` may be off as an integer or truth value of the type `t`."""
    if t.kind == "bool":
        return compared([x.astype(np.float64), np.zeros(())], [spread, np.zeros(())])
    if x.dtype.kind == "f":
        return stepped(lambda each: numerics.cast(each, t), x, spread)
    # Integers wrap: what is off by one may come out at the other end.
    return stepped(lambda each: numerics.cast(np.rint(each).astype(np.int64).astype(np.int32), t), x.astype(np.float64), spread)


def compared(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    """1 where two operands lie so near together that a comparison of them may turn over."""
    apart = np.abs(operands[0] - operands[1])
    reach = spreads[0] + spreads[1]
    return np.asarray((reach > 0) & (apart <= reach), np.float64)


def another_extreme(x: Array, spread: Array, fn: str, axis: int) -> Array:
    """How many positions from the first extreme another element may lie that is as good, by the errors of both."""
    size = x.astype(np.float64) * (1 if fn == "argmax" else -1)
    best = size.argmax(axis=axis)
    at = np.expand_dims(best, axis)
    reach = spread + np.take_along_axis(spread, at, axis)
    near = (reach > 0) & (size + reach >= np.take_along_axis(size, at, axis))
    positions = np.arange(x.shape[axis]).reshape([-1 if number == axis else 1 for number in range(x.ndim)])
    return np.asarray(np.where(near, np.abs(positions - at), 0).max(axis=axis), np.float64)


def _other_arm(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    return np.where(spreads[0] > 0, np.abs(operands[1] - operands[2]), 0.0)


def _and(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    first, second = (spread > 0 for spread in spreads)
    a, b = operands
    return np.asarray((first & (b.astype(bool) | second)) | (second & (a.astype(bool) | first)), np.float64)


def _or(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    return _and([~each.astype(bool) for each in operands], spreads)


def _not(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    return np.asarray(spreads[0] > 0, np.float64)


def _whole_quotient(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    x, y = operands
    return stepped(np.floor, x / y, np.hypot(spreads[0], spreads[1] * x / y) / np.abs(y))


def _remainder(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    turns = _whole_quotient(operands, spreads)
    return np.where(turns > 0, turns * np.abs(operands[1]), 0.0)


JUMPS: dict[str, Jump] = {
    **dict.fromkeys(["lt", "le", "gt", "ge", "eq", "ne"], compared),
    "and": _and,
    "or": _or,
    "not": _not,
    "where": _other_arm,
    "floor": lambda x, spread: stepped(np.floor, x[0], spread[0]),
    "ceil": lambda x, spread: stepped(np.ceil, x[0], spread[0]),
    "round": lambda x, spread: stepped(np.rint, x[0], spread[0]),
    "floordiv": _whole_quotient,
    "mod": _remainder,
}
"""Elementwise functions that jump."""
