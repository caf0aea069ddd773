"""What an error does where a function jumps: a comparison turns over, `round` takes another step.

To first order such an error is nothing or everything. Here a value is said to be off by a whole jump wherever its operands'
errors reach one: `spreads` are how far the operands may be off, in absolute terms. What results is the largest error, 0 nearly
everywhere. A `where` whose condition may turn over may be off by the distance of its arms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..numbers.rounding import Array
from .record import Jump


def stepped(function: Callable[[Array], Array], x: Array, spread: Array) -> Array:
    """How far a function that goes up in steps, or down, may be off."""
    middle = function(x).astype(np.float64)
    ends = (function(x - spread).astype(np.float64), function(x + spread).astype(np.float64))
    off = np.maximum(*(np.abs(each - middle) for each in ends))
    return np.where(spread > 0, np.where(np.isfinite(spread), off, np.inf), 0.0)


def compared(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    """1 where two operands lie so near together that a comparison of them may turn over."""
    apart = np.abs(operands[0] - operands[1])
    reach = spreads[0] + spreads[1]
    return np.asarray((reach > 0) & (apart <= reach), np.float64)


def other_arm(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    """The distance of the arms, where the condition may turn over."""
    return np.where(spreads[0] > 0, np.abs(operands[1] - operands[2]), 0.0)


def other_bits(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    """Any 32 bits, where an operand may be another whole number."""
    return np.asarray(np.where(np.any(np.broadcast_arrays(*[each > 0 for each in spreads]), axis=0), 2.0**32, 0.0))


def both(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    """1 where `and` may turn over."""
    first, second = (spread > 0 for spread in spreads)
    a, b = operands
    return np.asarray((first & (b.astype(bool) | second)) | (second & (a.astype(bool) | first)), np.float64)


def either(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    """1 where `or` may turn over."""
    return both([~each.astype(bool) for each in operands], spreads)


def turned(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    """1 where `not` may turn over."""
    return np.asarray(spreads[0] > 0, np.float64)


def whole_quotient(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    """How far a quotient rounded down may be off."""
    x, y = operands
    return stepped(np.floor, x / y, np.hypot(spreads[0], spreads[1] * x / y) / np.abs(y))


def remainder(operands: Sequence[Array], spreads: Sequence[Array]) -> Array:
    """A remainder may be off by the divisor."""
    turns = whole_quotient(operands, spreads)
    return np.where(turns > 0, turns * np.abs(operands[1]), 0.0)


def steps(function: np.ufunc) -> Jump:
    """The jumps of a function of one operand that goes up in steps."""
    return lambda operands, spreads: stepped(function, operands[0], spreads[0])
