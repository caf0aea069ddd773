"""Elements chosen along a partition: GpSimd gathers them out of rows that lie in SBUF (NKI's nc_n_gather).

y[m, n] = x[m, at[m, n]]   ->   load x [m, K];  y = gather x at at     each partition out of its own row
y[m]    = x[m, at[m]]      ->   the same, or a transfer of one element a partition: a knob

The DMA engines gather by one position a partition. Where positions differ along it, the whole of the dimensions that they choose
from is loaded. Instructions take no positions outside, so that a load with `else` is refused.
"""

from __future__ import annotations

from dataclasses import replace

from tilery.backends.machine.engine_program import Buffer
from tilery.backends.machine.errors import CannotLower, said
from tilery.backends.trainium.chip_tables import TrainiumChip
from tilery.dsl.program import Axis, AxisIndex, Cut, GatherIndex, Index, Load, Value, index_axes
from tilery.dsl.spans import Span

from ...addressing import gathered, long_axes_of
from ...instructions import Gather
from ..builder import Builder
from ..transposes import across, in_sbuf
from .packed import on_chip


def can_gather(chip: TrainiumChip) -> bool:
    """Whether the chip has the instruction: it is GpSimd's, which also counts positions."""
    return "positions" in chip.gpsimd.forms


def chosen_inside(builder: Builder, op: Load) -> bool:
    """Whether the positions of a load choose along a partition, by need or by choice."""
    partition, values = builder.layout[op.result], gathered(op.index)
    if not values or not can_gather(builder.chip):
        return False
    if any(long_axes_of(value) not in ([], [partition]) for value in values):
        return not _others(op.index, partition, _inner(op.index, partition))
    inner = [each for each in op.index if isinstance(each, GatherIndex) and long_axes_of(each.value)]
    within = partition is not None and any(isinstance(each, AxisIndex) and each.axis == partition for each in op.index)
    if op.fill is not None or not within or _others(op.index, partition, inner):
        return False
    if not builder.chip.dma.gathers:
        return True
    reason = f"{op.tensor.name} gives one element a partition: by a transfer, or out of rows that are loaded whole"
    return builder.choices.pick(f"gather.{op.tensor.name}", ("dma", "gpsimd"), reason) == "gpsimd"


def _inner(index: tuple[Index, ...], partition: Axis | None) -> list[GatherIndex]:
    """The positions that differ along a partition."""
    values = [each for each in index if isinstance(each, GatherIndex)]
    return [each for each in values if long_axes_of(each.value) not in ([], [partition])]


def _others(index: tuple[Index, ...], partition: Axis | None, inner: list[GatherIndex]) -> list[Axis]:
    """Long axes that a row has besides those that are chosen along: an instruction gathers single elements."""
    return [
        axis
        for each in index
        if not any(each is one for one in inner)
        for axis in index_axes([each])
        if axis != partition and not axis.unit
    ]


def whole_rows(builder: Builder, op: Load) -> Load:
    """The load of all that the positions choose from, under axes of its own, with the partition axis of the result."""
    if op.fill is not None:
        why = f"positions of {op.tensor.name} may lie outside, and its instruction takes none there"
        instead = "let the places stay inside, `clamp(at, 0, N - 1)`, and choose afterwards: `where(at >= 0 and at < N, x, 0)`"
        raise CannotLower("TK526", builder.chip.name, op.result.span, why, instead)
    partition = builder.layout[op.result]
    inner = _inner(op.index, partition) or [each for each in op.index if isinstance(each, GatherIndex)]
    index = tuple(
        AxisIndex(Axis(f"{op.tensor.name}.{place}", size, whole=True)) if any(each is one for one in inner) else each
        for place, (each, size) in enumerate(zip(op.index, op.tensor.shape, strict=True), 1)
    )
    axes = index_axes(index)
    rows = Value(op.tensor.name, axes, op.result.dtype, op.result.span)
    builder.layout = {**builder.layout, rows: partition if partition in axes else None}
    return replace(op, result=rows, index=index)


def gather_loaded(builder: Builder, op: Load, rows: Load) -> None:
    """Emits the gather of a load's elements out of its rows."""
    found = [
        (each.value, new.axis)
        for each, new in zip(op.index, rows.index, strict=True)
        if isinstance(each, GatherIndex) and isinstance(new, AxisIndex)
    ]
    _emit(builder, op.result, builder.home[rows.result], found, builder.layout[op.result])


def gather_cut(builder: Builder, op: Cut, tile: Buffer) -> None:
    """Emits the gather of elements of a tile on the chip."""
    pairs = list(zip(op.index, op.tile.axes, strict=True))
    found = [(each.value, axis) for each, axis in pairs if isinstance(each, GatherIndex)]
    kept = [each.axis for each, axis in pairs if isinstance(each, AxisIndex) and each.axis == axis]
    beside = [axis for axis in kept if axis != tile.partition and not axis.unit]
    parts = [axis for _, axis in found if not axis.whole or axis == tile.partition]
    if op.fill is not None or beside or parts or len(found) + len(kept) < len(pairs) or not can_gather(builder.chip):
        refuse(builder, found[0][0], op.result.span)
    _emit(builder, op.result, tile, found, tile.partition)


def refuse(builder: Builder, value: Value, span: Span) -> None:
    """Raises `CannotLower` for positions that no instruction takes."""
    along = ", ".join(map(str, value.axes)) or "no axis"
    why = f"{said(value)} chooses along {along}, and rows are gathered one a partition, elements out of a row of nothing else"
    raise CannotLower("TK520", builder.chip.name, span, why, "let one axis choose, and loop over the others `by 1`")


def _emit(builder: Builder, result: Value, rows: Buffer, found: list[tuple[Value, Axis]], partition: Axis | None) -> None:
    if len(found) > 2:
        refuse(builder, found[2][0], result.span)
    places = [_lined_up(builder, value, partition, result.span) for value, _ in found]
    name = builder.label(result)
    out = builder.buffer(name, "sbuf", on_chip(result.element), result.axes, partition, builder.work_slots())
    builder.home[result] = out
    inner = tuple(axis for _, axis in found)
    action = Gather((*result.axes, *inner), rows, places[0], places[1] if len(places) > 1 else None, inner, out)
    builder.issue(f"gather {name}", "gpsimd", "gather", action, result.span)


def _lined_up(builder: Builder, value: Value, partition: Axis | None, span: Span) -> Buffer | Value:
    """Positions with the partition axis of the rows, or the same on every partition."""
    if value in builder.host.values:
        return value
    if partition in value.axes and partition is not None:
        return across(builder, value, partition, span)
    home = in_sbuf(builder, value, span)
    if home.partition is not None and not home.partition.unit:
        refuse(builder, value, span)
    return home
