"""Whether positions that data decide are all different: by the other indices, by arithmetic, or because an argument says so.

cache[b, at[b], D]         b is an index of its own
cache[b, at[b] + s, D]     positions of s behind one place
table[ids[s], D]           ids: distinct i32[S]
"""

from __future__ import annotations

from collections.abc import Iterable

from tilery.dsl.program import (
    AffineIndex,
    Axis,
    AxisIndex,
    Cast,
    Elementwise,
    GatherIndex,
    Index,
    Load,
    Op,
    Positions,
    Value,
    index_axes,
)

from ..context import Context

NONE: frozenset[Axis] = frozenset()


def told_apart(c: Context, index: Iterable[Index]) -> bool:
    """Whether no two elements of a tile, of all steps, lie in the same place."""
    gathers = [each for each in index if isinstance(each, GatherIndex)]
    placed = set(index_axes(each for each in index if not isinstance(each, GatherIndex)))
    chosen = {axis for each in gathers for axis in each.value.axes} - placed
    return not chosen or any(chosen <= _different_along(c.emit.ops, each.value) for each in gathers)


def _different_along(ops: dict[Value, Op], value: Value) -> frozenset[Axis]:
    """Axes along which no two elements are the same number, the places along the other axes being fixed."""
    match ops.get(value):
        case Positions(axis=axis):
            return frozenset({axis})
        case Cast(operand=operand) if getattr(operand.dtype, "kind", "") == "int" and getattr(value.dtype, "name", "") == "i32":
            return _different_along(ops, operand)
        case Load(tensor=tensor, index=index, fill=None) if tensor.distinct and _each_once(index):
            return frozenset(index_axes(index))
        case Elementwise(fn="add" | "sub", operands=(left, right)):
            one = _different_along(ops, left) - set(right.axes)
            return one or _different_along(ops, right) - set(left.axes)
        case _:
            return NONE


def _each_once(index: Iterable[Index]) -> bool:
    """Whether no element is read at two places of the tile."""
    plain = all(isinstance(each, AxisIndex) or (isinstance(each, AffineIndex) and len(each.terms) < 2) for each in index)
    axes = [axis for each in index for axis in index_axes([each])]
    return plain and len(axes) == len(set(axes))
