"""Which loads and stores may cover several tiles of a loop at once, and the knob of each: `load.NAME`, `store.NAME`.

for s of S by 1: x[d, s]     single elements of a row        so many positions at once unless `tile` is said
for s of S by 1: x[s, d]     d across the partitions         the same, and a transpose
for s of S by 1: x[b, s, D]  a row D                         several rows, where D is short
for n of N: x[m, n]          a part of a row                 more of it than a tile: where the text keeps tiles short

A transfer takes as long as one of a few KiB a row, however few bytes it moves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from tilery.backends.tunable import Tunable
from tilery.dsl.program import (
    AffineIndex,
    Axis,
    AxisIndex,
    ForLoop,
    Index,
    Load,
    LoopVariable,
    Positions,
    Size,
    Store,
    index_axes,
    size_value,
    walk,
)

from ..addressing import contiguous_axis, gathered, is_strided
from ..lowering.builder import Builder
from ..lowering.carriers import carrier
from ..lowering.uses import statements

TILE = "tile"
"""The width of the tile itself."""
AT_ONCE = 128
"""Positions of a loop `by 1` that a transfer covers: as many rows as there are partitions, where they have to be transposed.
Beyond that the instructions of the steps take longer than the transfers."""
SATURATING_BYTES = 4096
"""Consecutive bytes with which the DMA engines reach their full rate (NKI DMA bandwidth guide)."""
ROWS = (4, 16, 64)
"""Numbers of short rows that are taken at once."""


@dataclass(frozen=True, slots=True)
class Tried:
    """The widths that are searched, of all that can be set: at the shapes where they can pay."""

    widths: tuple[int | str, ...]
    row: tuple[Size, ...] = ()
    """The extents whose product one position covers already."""
    element_bytes: float = 0.0

    def narrowed(self, knob: Tunable, dims: Mapping[str, int]) -> Tunable:
        """The knob as it is searched at these shapes."""
        already = self.element_bytes
        for size in self.row:
            already *= size_value(size, dims)
        tried = (knob.default,) if self.row and already >= SATURATING_BYTES else self.widths
        return replace(knob, values=tuple(each for each in knob.values if each in tried))


def wide_loads(builder: Builder, loop: ForLoop) -> Iterator[tuple[Load, int]]:
    """The loads of a loop's own block that cover several of its steps, each with the positions that it covers."""
    axis = loop.variable.axis
    for op in loop.body if _is_plain(loop) else ():
        if not isinstance(op, Load) or not _may_be_wide(builder, op, axis) or op.result.element.packed:
            continue
        positions = _asked(builder, f"load.{op.tensor.name}", op, loop.variable)
        if positions is not None:
            yield op, positions


def wide_stores(builder: Builder, loop: ForLoop) -> Iterator[tuple[Store, int]]:
    """The same of its stores, where no two steps write to one place."""
    stored = [each.tensor.name for each in statements(loop.body) if isinstance(each, Store)]
    for store in loop.body if _is_plain(loop) else ():
        if not isinstance(store, Store) or store.accumulate or stored.count(store.tensor.name) > 1:
            continue
        if not _apart(store.index, loop.variable.axis) or not _may_be_wide(builder, store, loop.variable.axis):
            continue
        positions = _asked(builder, f"store.{store.tensor.name}", store, loop.variable)
        if positions is not None:
            yield store, positions


def _apart(index: Collection[Index], axis: Axis) -> bool:
    """Whether the steps of an axis write to different places of some dimension."""
    alone = (each for each in index if isinstance(each, AffineIndex))
    return AxisIndex(axis) in index or any([own for own, _ in each.terms] == [axis] for each in alone)


def _is_plain(loop: ForLoop) -> bool:
    """Whether no guard leaves steps out, or asks inside where the loop stands."""
    inner = [each.guard for each in statements(loop.body) if isinstance(each, ForLoop) and each.guard]
    asked = {op.axis for guard in inner for op in walk(guard.body) if isinstance(op, Positions)}
    return loop.guard is None and loop.variable.axis not in asked


def _may_be_wide(builder: Builder, moved: Load | Store, axis: Axis) -> bool:
    """Whether several steps' tiles of a tensor can be moved at once: its places are known, and nothing else writes there."""
    value = moved.result if isinstance(moved, Load) else moved.value
    partition = builder.layout.get(value)
    turns = is_strided(widened_index(moved.index, axis, _long(axis)), partition)
    return (
        axis in index_axes(moved.index)
        and not gathered(moved.index)
        and moved.tensor.role not in ("inout", "temp")
        and axis.parent is None
        and partition != axis
        and builder.runs.get(value) is None
        and (not turns or carrier(builder.chip, value.element) is not None)
    )


def _long(axis: Axis) -> Axis:
    return replace(axis, unit=False)


def _asked(builder: Builder, name: str, moved: Load | Store, variable: LoopVariable) -> int | None:
    """The positions that the knob of a transfer says; None: those of the tile."""
    axis, value = variable.axis, moved.result if isinstance(moved, Load) else moved.value
    contiguous, partition = contiguous_axis(moved.index), builder.layout.get(value)
    along = [each for each in index_axes(moved.index) if each != partition and not each.unit]
    turned = partition is not None and contiguous == partition
    if axis.unit and (turned or contiguous == axis or not along):
        options: tuple[int | str, ...] = (AT_ONCE, TILE, AT_ONCE // 4, AT_ONCE * 4, AT_ONCE * 16)
        tried = Tried((AT_ONCE, TILE) if turned else (AT_ONCE,))
        reason = f"{name.partition('.')[2]} is moved {AT_ONCE} steps of {axis} at once: single elements take as long"
    elif axis.unit and AxisIndex(axis) in moved.index:
        options = (TILE, *ROWS)
        tried = Tried((TILE, 16), tuple(each.size for each in along), value.element.bytes)
        reason = f"rows of several steps of {axis} at once, where one is short"
    elif contiguous == axis:
        saturating = int(SATURATING_BYTES // value.element.bytes)
        options = (TILE, saturating // 4, saturating // 2, saturating, saturating * 2)
        longest = variable.by.high if variable.by.choices is None else max(variable.by.choices)
        tried = Tried((TILE, saturating) if longest is not None and longest < saturating else (TILE,))
        reason = f"positions of {axis} that are moved at once, where a tile has fewer than {SATURATING_BYTES} bytes of a row"
    else:
        return None
    chosen = builder.choices.pick(name, options, reason, tried, alike=True)
    return chosen if isinstance(chosen, int) else None


def widened_index(index: tuple[Index, ...], axis: Axis, wide: Axis) -> tuple[Index, ...]:
    """The index of several tiles of an axis."""
    return tuple(_widened(each, axis, wide) for each in index)


def _widened(index: Index, axis: Axis, wide: Axis) -> Index:
    match index:
        case AxisIndex(each) if each == axis:
            return AxisIndex(wide)
        case AffineIndex(terms, offset):
            return AffineIndex(tuple((wide if each == axis else each, stride) for each, stride in terms), offset)
        case _:
            return index
