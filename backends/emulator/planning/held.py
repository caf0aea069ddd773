"""Tiles that the text writes in parts, and what it cuts from them.

A cut is a view, and an insertion writes in place, wherever nothing reads the old tile any more: a step of a loop costs what its
part costs, however large the tile. A cut that is read after an insertion is copied (`copied`), as it is the smaller of the two.
Whatever else still reads a tile is an owner of its buffer (`allocation`), and an insertion then writes to a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tilery.backends.numbers import indexing
from tilery.backends.operations import numerics
from tilery.dsl import program
from tilery.dsl.program import Axis, Statement, Value

from .. import steps
from ..frame import Frame
from .allocation import Scope, Tile
from .placed import is_plain, place_of, positions_of

Part = Callable[[Frame], Any]
"""What an array is indexed with along one axis, in the current step."""


def copied(statements: Sequence[Statement], last: Mapping[Value, float]) -> frozenset[Value]:
    """The cuts of a block that are still read once the tile has been written to or taken over by a loop."""
    found: set[Value] = set()
    for number, op in enumerate(statements):
        if isinstance(op, program.Cut):
            taken = (later for later in range(number + 1, len(statements)) if op.tile in _overwritten(statements[later]))
            first = next(taken, None)
            if first is not None and last[op.result] >= first:
                found.add(op.result)
    return frozenset(found)


def _overwritten(statement: Statement) -> tuple[Value, ...]:
    match statement:
        case program.Insert():
            return (statement.tile,)
        case program.ForLoop():
            return tuple(each.initial for each in statement.carried)
        case _:
            return ()


def unwritten(op: program.Unwritten, scope: Scope) -> None:
    """A buffer, with whatever is in it."""
    scope.create(op.result, scope.physical(op.result.axes))


def cut(op: program.Cut, scope: Scope) -> None:
    """A view of a tile, or a copy where the tile is written to while the part is read."""
    found = _plain_cut(op, scope) if is_plain(op.index) else _placed_cut(op, scope)
    if op.result in scope.copied:
        out = scope.create(op.result, found.axes, found.dtype)
        scope.steps.append(steps.copy(found.slot, out.slot))
    else:
        scope.alias(op.result, found)


def insert(op: program.Insert, scope: Scope) -> None:
    """A part of a tile written: in place, or into a copy."""
    axes = scope.physical(op.result.axes)
    old = scope.tiles[op.tile]
    out = scope.create(op.result, axes, reuse=[op.tile])
    if out.slot != old.slot and not isinstance(scope.shared.ops.get(op.tile), program.Unwritten):
        scope.steps.append(steps.copy(scope.view(old, axes), out.slot))
    if not is_plain(op.index):
        _placed_insert(op, out, scope)
        return
    parts, kept = _parts(op, axes, scope)
    slot = scope.view(scope.tiles[op.value], kept)

    def run(frame: Frame) -> None:
        frame.values[out.slot][(*[part(frame) for part in parts], ...)] = frame.values[slot]

    scope.steps.append(run)


# --- axes as they are -------------------------------------------------------------------------------------------------


def _plain_cut(op: program.Cut, scope: Scope) -> Tile:
    tile = scope.tiles[op.tile]
    parts, kept = _parts(op, tile.axes, scope)
    if not any(isinstance(part, _Span) for part in parts):
        return replace(tile, axes=kept)
    slot = scope.shared.layout.slot()

    def run(frame: Frame) -> None:
        frame.values[slot] = frame.values[tile.slot][(*[part(frame) for part in parts], ...)]

    scope.steps.append(run)
    return replace(tile, slot=slot, axes=kept, fixed=False, view=True)


class _Span:
    """The positions of a loop's variable, counted from where the axis of the tile begins."""

    def __init__(self, axis: Axis, own: Axis, one: bool) -> None:
        self.name = axis.name
        self.begins = None if own.whole else own.name
        self.one = one

    def __call__(self, frame: Frame) -> slice | int:
        span = frame.spans[self.name]
        low = frame.spans[self.begins].start if self.begins else 0
        return span.start - low if self.one else slice(span.start - low, span.stop - low)


def _everything(frame: Frame) -> slice:
    return slice(None)


def _parts(op: program.Cut | program.Insert, axes: Sequence[str], scope: Scope) -> tuple[list[Part], tuple[str, ...]]:
    """How an array over `axes` of the tile is indexed, and the axes that are left."""
    pairs = zip(op.tile.axes, op.index, strict=True)
    index = {own.name: (own, each.axis) for own, each in pairs if isinstance(each, program.AxisIndex)}
    parts: list[Part] = []
    kept: list[str] = []
    for own, axis in (index[name] for name in axes):
        one = scope.extents[axis.name] == 1
        if axis == own or axis.whole:
            parts.append(_everything)
            kept.append(axis.name)
        else:
            parts.append(_Span(axis, own, one))
            kept += [] if one else [axis.name]
    return parts, tuple(kept)


# --- other places -----------------------------------------------------------------------------------------------------


def _placed_cut(op: program.Cut, scope: Scope) -> Tile:
    tile = scope.tiles[op.tile]
    whole = scope.full_view(tile, _names(op.tile.axes))
    every = program.index_axes(op.index)
    drop = tuple(0 if scope.extents[axis.name] == 1 else slice(None) for axis in every)
    slot, values, dims = scope.shared.layout.slot(), positions_of(op.index, scope), scope.shared.dims

    def run(frame: Frame) -> None:
        frame.values[slot] = indexing.cut(frame.values[whole], op, place_of(frame, dims, values))[(*drop, ...)]

    scope.steps.append(run)
    return replace(tile, slot=slot, axes=scope.physical(every), fixed=False, view=True)


def _placed_insert(op: program.Insert, out: Tile, scope: Scope) -> None:
    names = _names(op.tile.axes)
    whole = scope.derived(out, lambda array: numerics.aligned(array, out.axes, names), written=True)
    slot = scope.full_view(scope.tiles[op.value], _names(program.index_axes(op.index)))
    values, dims = positions_of(op.index, scope), scope.shared.dims

    def run(frame: Frame) -> None:
        indexing.part(frame.values[whole], op, place_of(frame, dims, values))[...] = frame.values[slot]

    scope.steps.append(run)


def _names(axes: Sequence[Axis]) -> tuple[str, ...]:
    return tuple(axis.name for axis in axes)
