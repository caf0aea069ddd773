"""What an error does where a cast to an integer or the place of an extreme jumps; functions' jumps are in their records.

To first order such an error is nothing or everything. Here a value is said to be off by a whole jump wherever its operands'
errors reach one: `spreads` are how far the operands may be off, in absolute terms. What results is the largest error, 0 nearly
everywhere.
"""

from __future__ import annotations

import numpy as np

from tilery.dsl.types import ElementType

from ..operations import numerics
from ..operations.jumps import compared, stepped
from ..operations.numerics import Array


def converted(x: Array, spread: Array, t: ElementType) -> Array:
    """How far `x` may be off as an integer or truth value of the type `t`."""
    if t.kind == "bool":
        return compared([x.astype(np.float64), np.zeros(())], [spread, np.zeros(())])
    if x.dtype.kind == "f":
        return stepped(lambda each: numerics.cast(each, t), x, spread)
    # Integers wrap: what is off by one may come out at the other end.
    return stepped(lambda each: numerics.cast(np.rint(each).astype(np.int64).astype(np.int32), t), x.astype(np.float64), spread)


def another_extreme(x: Array, spread: Array, fn: str, axis: int) -> Array:
    """How many positions from the first extreme another element may lie that is as good, by the errors of both."""
    size = x.astype(np.float64) * (1 if fn == "argmax" else -1)
    best = size.argmax(axis=axis)
    at = np.expand_dims(best, axis)
    reach = spread + np.take_along_axis(spread, at, axis)
    near = (reach > 0) & (size + reach >= np.take_along_axis(size, at, axis))
    positions = np.arange(x.shape[axis]).reshape([-1 if number == axis else 1 for number in range(x.ndim)])
    return np.asarray(np.where(near, np.abs(positions - at), 0).max(axis=axis), np.float64)
