"""Computes once what the text computes twice, in one block or in a block inside it.

    a = exp(x)               a = exp(x)
    for n of N:         ->   for n of N:
        b = exp(x)               y[n] = a * n
        y[n] = b * n

Loads are shared too, those of one phase: between two phases the kernel may have written. Two sibling loops share nothing: neither
need run before the other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from tilery.dsl.program import (
    Call,
    Cast,
    Constant,
    Cut,
    DimensionSize,
    Dot,
    Elementwise,
    Fill,
    GatherIndex,
    Index,
    Load,
    Op,
    Positions,
    Reduce,
    ScalarArgument,
    Scan,
    Statement,
    Value,
)

from .rewriter import Body, Rewriter

SYMMETRIC = frozenset({"add", "mul", "eq", "ne", "and", "or"})
"""Functions that do not care for the order of their operands."""


Apart = Callable[[Op], bool]


def share(body: Body, apart: Apart = lambda op: False) -> Body:
    """The body with every value computed once.

    Operations that are kept `apart` are repeated all the same, and yet what reads equal ones counts as equal.
    """
    return _Sharer(apart).block(body)


class _Sharer(Rewriter):
    def __init__(self, apart: Apart) -> None:
        super().__init__()
        self._apart = apart
        self._known: dict[Hashable, Value] = {}
        self._equal: dict[Value, Value] = {}
        """The first value that is equal to one kept apart."""

    def block(self, statements: Iterable[Statement]) -> Body:
        """What a block computes is known to the blocks inside it, and forgotten at its end."""
        around = self._known
        self._known = dict(around)
        done = super().block(statements)
        self._known = around
        return done

    def op(self, op: Op) -> Iterable[Statement]:
        earlier = self._known.setdefault(meaning(op, lambda value: self._equal.get(value, value)), op.result)
        if earlier is op.result:
            return (op,)
        if self._apart(op):
            self._equal[op.result] = earlier
            return (op,)
        self.instead(op.result, earlier)
        return ()


def meaning(op: Op, number: Callable[[Value], Hashable] = lambda value: value) -> Hashable:
    """What an operation computes: the same for two whose results are the same in every bit. `number` tells operands apart."""
    return type(op), op.result.axes, op.result.dtype, *_parts(op, number)


def _parts(op: Op, number: Callable[[Value], Hashable]) -> tuple[Hashable, ...]:
    match op:
        case Constant():
            return (_exact(op.value),)
        case ScalarArgument():
            return (op.parameter,)
        case DimensionSize():
            return (op.size,)
        case Positions():
            return (op.axis,)
        case Load():
            return (op.tensor.name, op.tensor.phase, *(_place(each, number) for each in op.index), _exact(op.fill))
        case Cut():
            return (number(op.tile), *(_place(each, number) for each in op.index), _exact(op.fill))
        case Elementwise():
            operands = [number(each) for each in op.operands]
            return (op.fn, frozenset(operands) if op.fn in SYMMETRIC else tuple(operands))
        case Cast() | Fill():
            return (number(op.operand),)
        case Reduce():
            return (op.fn, op.axes, number(op.operand))
        case Scan():
            return (op.fn, op.axis, op.exclusive, op.reverse, tuple(number(each) for each in op.operands))
        case Dot():
            return (op.axes, number(op.left), number(op.right))
        case Call():
            return (op.fn, tuple(number(each) for each in op.operands), _inner(op, number))
        case _:
            # What is not known is shared with nothing; nor is a tile that is written in parts, which has a place of its own.
            return (op.result,)


def _exact(value: float | int | bool | None) -> Hashable:
    """Tells 0.0 from -0.0, 1 and True, which are equal."""
    return type(value), repr(value)


def _place(index: Index, number: Callable[[Value], Hashable]) -> Hashable:
    return (GatherIndex, number(index.value)) if isinstance(index, GatherIndex) else index


def _inner(call: Call, number: Callable[[Value], Hashable]) -> Hashable:
    """What the body of a call computes, its values known by their places."""
    places: dict[Value, Hashable] = {}
    found = []
    for place, each in enumerate(call.body):
        found.append(meaning(each, lambda value: places.get(value, number(value))))
        places[each.result] = (Call, place)
    return tuple(found)
