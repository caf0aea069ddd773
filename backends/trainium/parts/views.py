"""The part of a buffer that an index means: an access pattern, which every engine follows without an instruction.

row[m, N]      row[m, k]   h[b, H]      h[b, G]     what lies along a partition is read and written at any evenly spaced places
x[m, N]        x[k, N]     k of m                   the axis across the partitions is there as a whole or under another name
"""

from __future__ import annotations

from collections.abc import Iterable

from tilery.backends.machine.engine_program import Buffer
from tilery.backends.machine.errors import CannotLower
from tilery.backends.machine.wording import position
from tilery.dsl.program import Cut, GatherIndex, Index, Insert, index_axes
from tilery.dsl.spans import Span

from ..lowering.builder import Builder
from .cutting import image


def view(builder: Builder, op: Cut | Insert, of: Buffer, span: Span) -> Buffer:
    """The part of a buffer of the tile that `op` cuts or writes. Raises `CannotLower` if it is no access pattern."""
    by_axis = dict(zip(op.tile.axes, op.index, strict=True))
    index = tuple(by_axis[axis] for axis in of.axes)
    _refuse_gathers(builder, index, span)
    partition = image(op, of.partition)
    if partition is None and of.partition is not None and not of.partition.unit:
        why = f"part of {of.name} is taken along {of.partition}, which lies across the partitions"
        instead = "cut the tile along another axis, or load the part from device memory"
        raise CannotLower("TK530", builder.chip.name, span, why, instead)
    name = f"{of.name}[{', '.join(position(each, {}, str) for each in index)}]"
    return builder.view(name, of, index, index_axes(index), partition)


def _refuse_gathers(builder: Builder, index: Iterable[Index], span: Span) -> None:
    for each in index:
        if isinstance(each, GatherIndex):
            why = f"{each.value.name} chooses places of a tile on the chip, and an access pattern is known before the kernel runs"
            instead = "gather from a tensor in device memory, or multiply by a one-hot matrix"
            raise CannotLower("TK520", builder.chip.name, span, why, instead)
