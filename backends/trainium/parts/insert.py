"""Inserts: part of a tile on the chip is written in place, by the instruction that computes it where that can be.

for n of N:
    row[m, n] = exp(x[m, n])     exp writes into row, as into any buffer; row is there as a whole after the loop
"""

from __future__ import annotations

from collections.abc import Iterable

from tilery.backends.machine.engine_program import Buffer
from tilery.backends.machine.errors import CannotLower, said
from tilery.dsl.program import GatherIndex, Insert, Load, Op, Unwritten, Value

from ..lowering.builder import Builder
from ..lowering.transposes import across, copy, in_sbuf
from .aliases import duplicate, set_aside
from .cutting import apart, image
from .views import view


def insert(builder: Builder, op: Insert) -> None:
    """Copies a value to its part of the tile, unless its own instruction has left it there."""
    if op in builder.done:
        return
    span = op.result.span
    target = _part(builder, op)
    source = builder.home[op.value]
    if source.partition != target.partition:
        if source.partition is None or target.partition is None:
            why = f"{said(op.value)} lies otherwise across the partitions than the tile that it is written to"
            raise CannotLower("TK530", builder.chip.name, span, why, "give the tile and its parts an axis in common")
        source = across(builder, op.value, target.partition, span)
    copy(builder, source, target, builder.label(op.result), span)
    builder.done.add(op)


def ahead(builder: Builder, value: Value, ops: Iterable[Op], reads: Iterable[Buffer]) -> Buffer | None:
    """The part of a tile that a value is computed straight into, by `ops` that read `reads`. None: nowhere of that kind."""
    op = builder.uses.only_user(value)
    if not isinstance(op, Insert) or op.value is not value or any(isinstance(each, GatherIndex) for each in op.index):
        return None
    home = builder.home.get(op.tile)
    fresh = isinstance(builder.uses.definition.get(op.tile), Unwritten)
    if home is None and not fresh:
        return None  # the tile is computed later
    partition = home.partition if home else builder.layout[op.tile]
    if image(op, partition) != builder.layout[value] or (home is not None and any(_overlaps(each, home, op) for each in reads)):
        return None
    target = _part(builder, op, ops)
    builder.done.add(op)
    return target


def _overlaps(read: Buffer, home: Buffer, op: Insert) -> bool:
    """Whether an instruction that writes the part in place might read elements that it has overwritten."""
    if read.storage is not home.storage:
        return False
    if read.view is None or read.view.of is not home:
        return True
    by_axis = dict(zip(op.tile.axes, op.index, strict=True))
    index = tuple(by_axis[axis] for axis in home.axes)
    return read.view.index != index and not apart(read.view.index, index)


def _part(builder: Builder, op: Insert, readers: Iterable[Op] = ()) -> Buffer:
    """Where the part is written, in a buffer that holds the tile and nothing else that is still to be read."""
    home, span = _own(builder, op), op.result.span
    set_aside(builder, home, {op, *readers}, span)
    builder.home[op.result] = home
    return view(builder, op, home, span)


def _own(builder: Builder, op: Insert) -> Buffer:
    """The tile's own buffer, or a copy if the old tile outlives the step or lies in a part of another one."""
    tile, uses = op.tile, builder.uses
    definition, home = uses.definition.get(tile), builder.home.get(tile)
    if isinstance(definition, Unwritten):
        name = builder.label(op.result)
        return builder.buffer(name, "sbuf", tile.element, tile.axes, builder.layout[tile], builder.work_slots())
    assert home is not None
    if home.memory != "sbuf":
        return in_sbuf(builder, tile, op.result.span)
    here = uses.block_of.get(tile) == uses.block_of[op.result]
    if here and home.view is None and not isinstance(definition, Load):
        return home
    return duplicate(builder, home, builder.label(op.result), op.result.span)
