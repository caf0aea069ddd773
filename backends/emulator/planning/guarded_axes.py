"""Axes whose tile sizes change the result through a guard.

Which steps `for j of L if any(j <= i)` skips depends on the tile of `i`. If the loop masks what it adds with the same condition,
as in `where(j <= i, s, -inf)`, skipping a step changes no element. If it does not, a skipped step may change elements, and the
emulator has to skip the same steps as tile-by-tile execution.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple

from tilery.dsl import program
from tilery.dsl.program import Op, Value

Ops = Mapping[Value, Op]


def guards(loop: program.TileLoop) -> Iterator[program.ForLoop]:
    """The guarded loops inside a tile loop."""
    return (each for each in program.walk(loop.body) if isinstance(each, program.ForLoop) and each.guard)


def axes_of(loop: program.ForLoop) -> set[str]:
    """The axes whose positions decide which steps are skipped."""
    assert loop.guard is not None
    return {axis.name for op in loop.guard.body for axis in op.result.axes}


def mattering(loop: program.TileLoop, ops: Ops) -> set[str]:
    """The axes of guards whose condition is not used as a mask in their loop."""
    return {name for each in guards(loop) if not _is_masked(each, ops) for name in axes_of(each)}


def _is_masked(loop: program.ForLoop, ops: Ops) -> bool:
    assert loop.guard is not None
    known = {**ops, **{each.result: each for each in loop.guard.body}}
    condition = _key(loop.guard.body[-1].result, known)
    chosen = (each for each in program.walk(loop.body) if isinstance(each, program.Elementwise) and each.fn == "where")
    return any(_key(each.operands[0], known) == condition for each in chosen)


def _key(value: Value, ops: Ops) -> object:
    """The same for two values that are computed alike from positions, sizes and scalars."""
    op = ops.get(value)
    match op:
        case program.Elementwise():
            return (op.fn, *(_key(each, ops) for each in op.operands))
        case program.Fill() | program.Cast():
            return (type(op), op.result.dtype, _key(op.operand, ops))
        case program.Positions():
            return op.axis.name
        case program.Constant() | program.ScalarArgument() | program.DimensionSize():
            return (type(op), astuple(op)[1:])
        case program.Call():
            return _key(op.body[-1].result, {**ops, **{each.result: each for each in op.body}})
        case _:
            return value
