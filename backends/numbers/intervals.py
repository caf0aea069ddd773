"""What a condition on positions is over a whole tile: true everywhere, false everywhere, or neither that can be told.

Every value is followed as an interval of the numbers it may take, so `j <= i` over columns 512..1023 and rows 0..255 is known
to be false without looking at one element. Sound, not sharp: None says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tilery.dsl import program
from tilery.dsl.program import Op, Value

Interval = tuple[float, float]
"""Least and greatest; for truth values 0 and 1, so (1, 1) is true everywhere."""
Spans = Mapping[str, slice]
"""The positions that each tile axis covers in the current step."""
Evaluate = Callable[[Spans], Interval]

EVERYTHING: Interval = (float("-inf"), float("inf"))


def decision(interval: Interval) -> bool | None:
    """True or False where a condition is so everywhere, else None."""
    low, high = interval
    return bool(low) if low == high else None


def interval_of(value: Value, ops: Mapping[Value, Op], dims: Mapping[str, int]) -> Evaluate | None:
    """A function from the current step to the interval of `value`; None if it depends on more than positions and sizes."""
    op = ops.get(value)
    match op:
        case program.Constant():
            constant = (float(op.value), float(op.value))
            return lambda spans: constant
        case program.DimensionSize():
            size = program.size_value(op.size, dims)
            return lambda spans: (size, size)
        case program.Positions():
            return _positions(op.axis, dims)
        case program.Fill():
            return interval_of(op.operand, ops, dims)
        case program.Call():
            return interval_of(op.body[-1].result, ops, dims)
        case program.Elementwise():
            parts = [interval_of(each, ops, dims) for each in op.operands]
            known = [each for each in parts if each is not None]
            return _applied(op.fn, known) if len(known) == len(parts) else None
        case _:
            return None


def _positions(axis: program.Axis, dims: Mapping[str, int]) -> Evaluate:
    if axis.whole:
        last = program.size_value(axis.size, dims) - 1
        return lambda spans: (0, last)
    name = axis.name

    def over_tile(spans: Spans) -> Interval:
        part = spans[name]
        return part.start, part.stop - 1

    return over_tile


def _applied(fn: str, parts: list[Evaluate]) -> Evaluate | None:
    rule = _RULES.get(fn)
    if rule is None:
        return None
    return lambda spans: rule(*(each(spans) for each in parts))


def _less(a: Interval, b: Interval) -> Interval:
    return (float(a[1] < b[0]), float(a[0] < b[1]))


def _at_most(a: Interval, b: Interval) -> Interval:
    return (float(a[1] <= b[0]), float(a[0] <= b[1]))


def _equal(a: Interval, b: Interval) -> Interval:
    return (float(a[0] == a[1] == b[0] == b[1]), float(a[0] <= b[1] and b[0] <= a[1]))


def _not(a: Interval) -> Interval:
    return (1 - a[1], 1 - a[0])


def _product(a: Interval, b: Interval) -> Interval:
    corners = [x * y for x in a for y in b]
    if any(each != each for each in corners):  # 0 times infinity
        return EVERYTHING
    return (min(corners), max(corners))


def _floor_division(a: Interval, b: Interval) -> Interval:
    if b[0] != b[1] or b[0] <= 0:
        return EVERYTHING
    return (a[0] // b[0], a[1] // b[0])


def _remainder(a: Interval, b: Interval) -> Interval:
    if b[0] != b[1] or b[0] <= 0:
        return EVERYTHING
    return a if a[0] >= 0 and a[1] < b[0] else (0, b[0] - 1)


_RULES: dict[str, Callable[..., Interval]] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "sub": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "mul": _product,
    "neg": lambda a: (-a[1], -a[0]),
    "floordiv": _floor_division,
    "mod": _remainder,
    "min": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "max": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "lt": _less,
    "le": _at_most,
    "gt": lambda a, b: _less(b, a),
    "ge": lambda a, b: _at_most(b, a),
    "eq": _equal,
    "ne": lambda a, b: _not(_equal(a, b)),
    "and": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "or": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "not": _not,
}
