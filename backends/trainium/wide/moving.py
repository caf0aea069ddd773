"""The transfers that cover several tiles: of a load before the loop over them, of a store after it.

A buffer holds what the loop's steps read or write. The transfer reads or writes all of it at once, through a view of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from tilery.backends.machine.engine_program import Buffer, Copy, Transfer
from tilery.backends.machine.widths import Width
from tilery.dsl.program import Axis, AxisIndex, Load, Store, Value, index_axes
from tilery.dsl.spans import Span

from ..addressing import alongside, is_strided
from ..lowering.builder import Builder, WideTransfer
from ..lowering.transposes import across
from .offered import widened_index

Steps = list[tuple[Axis, Axis | None]]
"""Loops: the axis of each, and the wide step that it cuts; None: it runs over its dimension, or its parent's tile."""


def wide_axis(builder: Builder, axis: Axis, positions: int) -> Axis:
    """The axis of steps over several tiles of another."""
    name = f"{axis.name}.{positions}"
    builder.widths[name] = Width(axis, positions)
    return replace(axis, name=name, unit=False)


def around(builder: Builder, axis: Axis) -> Axis | None:
    """The open wide step over tiles of an axis."""
    return next((frame.axis for frame in builder.frames if frame.around == axis), None)


def moved_at_once(builder: Builder, op: Load, cut: list[Axis]) -> tuple[Load, Steps]:
    """A load as its transfer covers it, and the loops that repeat it; `cut`: those that it was hoisted out of."""
    wide = builder.wide.get(op)
    if wide is None:
        return op, [(axis, None) for axis in cut]
    covered, step = _covered(builder, wide)
    steps: Steps = [(axis, None) for axis in cut if axis != wide.axis]
    if covered is not step:
        steps.append((covered, step))
    axes = _renamed(op.result.axes, wide.axis, covered)
    value = Value(op.result.name, axes, op.result.dtype, op.result.span)
    return replace(op, result=value, index=widened_index(op.index, wide.axis, covered)), steps


def tile_by_tile(builder: Builder, cut: Iterable[Axis]) -> Steps:
    """The loops over the tiles that a load was hoisted out of."""
    return [(axis, around(builder, axis)) for axis in cut]


@contextmanager
def opened(builder: Builder, steps: Steps, span: Span) -> Iterator[None]:
    """The loops, around what is built inside."""
    for axis, within in steps:
        builder.open(axis, within=within)
    yield
    for _ in steps:
        builder.close(span)


def covering(builder: Builder, buffer: Buffer, axes: tuple[Axis, ...]) -> Buffer:
    """A buffer under the axes of a transfer, which cover several tiles of one of its own; or a part of it under a tile's own."""
    if axes == buffer.axes:
        return buffer
    index = tuple(AxisIndex(axis) for axis in axes)
    named = dict(zip(buffer.axes, axes, strict=True))
    partition = None if buffer.partition is None else named[buffer.partition]
    return builder.view(f"{buffer.name}[{', '.join(map(str, axes))}]", buffer, index, axes, partition)


def row_of(builder: Builder, store: Store) -> Buffer:
    """The buffer in which a wide store's tiles are collected."""
    wide, value = builder.wide[store], store.value
    if wide.row is None:
        depth = next(place for place, frame in enumerate(builder.frames) if frame.around == wide.axis)
        name, partition = store.tensor.name, builder.layout[value]
        with builder.outside(depth):
            slots = builder.slots(name)
            axes = index_axes(store.index)
            wide.row = builder.buffer(name, "sbuf", value.element, axes, partition, slots, cut=(wide.axis,))
    return wide.row


def collect(builder: Builder, store: Store) -> None:
    """Copies a tile into the row, unless its own instruction has left it there."""
    row, source = row_of(builder, store), builder.home[store.value]
    if source is not row:
        if source.partition != row.partition and row.partition is not None:
            source = across(builder, store.value, row.partition, store.span)
        name, span = store.tensor.name, store.span
        engines = tuple(each for each in ("vector", "scalar", "gpsimd") if "copy" in builder.chip.engine(each).forms)
        engine = builder.engine(name, engines, (source,), False, span)  # a choice though it may be a column: it comes every step
        builder.emit(f"copy {name}", engine, "copy", Copy(source, row), (source,), (row,), span)
    builder.done.add(store)


def store_row(builder: Builder, store: Store) -> None:
    """Emits the transfer of a row, after the loop that has filled it."""
    wide, span, name = builder.wide[store], store.span, store.tensor.name
    row = row_of(builder, store)
    covered, step = _covered(builder, wide)
    axes, index = _renamed(row.axes, wide.axis, covered), widened_index(store.index, wide.axis, covered)
    with opened(builder, [] if covered is step else [(covered, step)], span):
        source = covering(builder, row, axes)
        if is_strided(index, source.partition):
            value = Value(name, axes, row.element, span)
            builder.home[value] = source
            source = across(builder, value, alongside(index), span)
        action = Transfer(store.tensor, index, source, store=True)
        builder.emit(f"store {name}", builder.transfer_queue("store"), "store", action, (source,), (), span)


def _covered(builder: Builder, wide: WideTransfer) -> tuple[Axis, Axis | None]:
    """The axis that a transfer covers, and the wide step that is open around it: one and the same if it covers all of that."""
    step = around(builder, wide.axis)
    if step is not None and builder.widths[step.name].positions == wide.positions:
        return step, step
    return wide_axis(builder, wide.axis, wide.positions), step


def _renamed(axes: tuple[Axis, ...], axis: Axis, other: Axis) -> tuple[Axis, ...]:
    return tuple(other if each == axis else each for each in axes)
