"""Loads: which loop each stands in (residency), and the transposes of loaded tiles.

for m: for n: for k: load a[m, k]        hoist.a = none
for m: load a[m, K]; for n: for k: ...   hoist.a = n     a is loaded once for all steps of n
"""

from __future__ import annotations

from tilery.backends.chips import chip_names, load_chip
from tilery.backends.machine.engine_program import Buffer, Clear, Positioned, Transfer
from tilery.backends.machine.errors import CannotLower, said
from tilery.backends.trainium.chip_tables import TrainiumChip
from tilery.dsl.program import Axis, Dot, Index, Load, Value
from tilery.dsl.spans import Span

from ..addressing import alongside, gathered, is_strided
from ..phases.waiting import read_buffers
from .builder import Builder
from .reading.gathers import chosen_inside, gather_loaded, whole_rows
from .reading.packed import bytes_for, on_chip, unpack
from .transposes import in_sbuf, transpose, way_to_turn


def load(builder: Builder, op: Load) -> None:
    """Emits a load, and the transposes of its tile for dots that read it."""
    builder.done.add(op)
    key = (op.tensor.name, op.tensor.phase, op.index, op.fill)
    if key in builder.loaded:
        frame, earlier = builder.loaded[key]
        if any(frame is each for each in builder.frames) and _wanted(builder, earlier) == _wanted(builder, op.result):
            _share(builder, earlier, op.result)
            return
    if chosen_inside(builder, op):
        _chosen(builder, op)
        return
    _loaded(builder, op, key, _wanted(builder, op.result))


def _chosen(builder: Builder, op: Load) -> None:
    """Emits a load whose elements are gathered on the chip, out of rows that other loads may share."""
    rows = whole_rows(builder, op)
    key = (op.tensor.name, op.tensor.phase, rows.index, None)
    frame, earlier = builder.loaded.get(key, (None, rows.result))
    if any(frame is each for each in builder.frames):
        builder.home[rows.result] = builder.home[earlier]
    else:
        _loaded(builder, rows, key, [(builder.layout[rows.result], True)])
    gather_loaded(builder, op, rows)


def _loaded(builder: Builder, op: Load, key: tuple[object, ...], wanted: list[tuple[Axis | None, bool]]) -> None:
    depth = _depth(builder, op)
    inner = [frame.axis for frame in builder.frames[depth + 1 :]]
    needed = {axis.name for axis in op.result.axes} | {axis.parent for axis in op.result.axes}
    cut = [axis for axis in inner if axis is not None and axis.name in needed]
    with builder.outside(depth):
        builder.loaded[key] = (builder.frames[-1], op.result)
        queue = builder.transfer_queue("load")
        for axis, natural in wanted:
            if natural:
                _plain(builder, op, cut, queue)
            else:
                assert axis is not None
                _turned(builder, op, axis, cut, queue)


def _share(builder: Builder, earlier: Value, value: Value) -> None:
    if earlier in builder.home:
        builder.home[value] = builder.home[earlier]
    for (owner, axis), buffer in list(builder.crossed.items()):
        if owner is earlier:
            builder.crossed[value, axis] = buffer


def _wanted(builder: Builder, value: Value) -> list[tuple[Axis | None, bool]]:
    """The partition axes that the readers need, and for each whether the value is loaded with it."""
    natural = raw_partition(builder, value)
    wanted: dict[Axis | None, bool] = {}
    for use in builder.uses.of(value):
        axis = contracted_axis(builder, use.by, value) if isinstance(use.by, Dot) else builder.layout[value]
        wanted[axis] = axis == natural
    return list(wanted.items())


def raw_partition(builder: Builder, value: Value) -> Axis | None:
    """The partition axis with which a value is loaded: that of its layout, unless single elements would be transferred."""
    partition, load = builder.layout[value], builder.uses.definition.get(value)
    if not isinstance(load, Load) or not is_strided(load.index, partition):
        return partition
    return alongside(load.index)


def contracted_axis(builder: Builder, dot: Dot, operand: Value) -> Axis:
    """The contracted axis that a dot puts across the partitions of both operands."""
    long = [axis for axis in dot.axes if not axis.unit]
    if not long:
        why = "every contracted axis has extent one"
        raise CannotLower("TK518", builder.chip.name, dot.result.span, why, "multiply the tiles elementwise, or drop the `by 1`")
    fitting = [builder.layout.get(each) for each in (dot.left, dot.right) if builder.layout.get(each) in long]
    first = fitting[0] if fitting else long[0]
    assert first is not None and operand is not None
    return first


def _depth(builder: Builder, op: Load) -> int:
    """The frame that the load is emitted in: the innermost one, or the one around the loop that it is hoisted out of."""
    if gathered(op.index):
        return len(builder.frames) - 1  # where the positions are
    loops = [(place, frame.axis) for place, frame in enumerate(builder.frames) if frame.axis is not None]
    needed = {axis.name for axis in op.result.axes} | {axis.parent for axis in op.result.axes}
    independent = {axis.name: place for place, axis in loops if axis.name not in needed}
    name = op.tensor.name
    reason = f"{name} does not depend on {', '.join(independent)}: loaded once for all its steps, it takes more memory"
    chosen = str(builder.choices.pick(f"hoist.{name}", ("none", *independent), reason)) if independent else "none"
    return len(builder.frames) - 1 if chosen == "none" else independent[chosen] - 1


def _plain(builder: Builder, op: Load, cut: list[Axis], queue: str) -> None:
    name, value = op.tensor.name, op.result
    partition = raw_partition(builder, value)
    buffer = builder.buffer(
        name, "sbuf", on_chip(value.element), value.axes, partition, builder.slots(name), cut=cut, runs=builder.runs.get(value)
    )
    builder.home[value] = buffer
    for axis in cut:
        builder.open(axis)
    _unpacked(builder, op, buffer, queue)
    for _ in cut:
        builder.close(value.span)


def _turned(builder: Builder, op: Load, axis: Axis, cut: list[Axis], queue: str) -> None:
    """Emits a load with `axis` across the partitions, although this axis is contiguous in device memory."""
    name, value = op.tensor.name, op.result
    buffer = builder.buffer(f"{name}.t", "sbuf", on_chip(value.element), value.axes, axis, builder.slots(name), cut=cut)
    if axis == builder.layout[value]:
        builder.home[value] = buffer
    builder.crossed[value, axis] = buffer
    by_dma = value.element.name in builder.chip.dma.transpose_elements and sum(not each.unit for each in value.axes) == 2
    by_dma = by_dma and op.fill is None and not gathered(op.index)
    partition = raw_partition(builder, value)
    reason = f"{name} is stored along {axis}, which is needed across the partitions"
    way = way_to_turn(builder, name, on_chip(value.element), (axis, partition), reason, value.span, by_dma)
    for each in cut:
        builder.open(each)
    if way == "dma":
        _transfer(builder, op, buffer, queue, transposed=True)
    else:
        raw = builder.buffer(name, "sbuf", on_chip(value.element), value.axes, partition, builder.slots(name))
        _unpacked(builder, op, raw, queue)
        transpose(builder, raw, buffer, name, str(way), value.span)
    for _ in cut:
        builder.close(value.span)


def _unpacked(builder: Builder, op: Load, buffer: Buffer, queue: str) -> None:
    """Emits the transfer, and what takes packed elements apart."""
    source = bytes_for(builder, op.result, op.index, buffer)
    _transfer(builder, op, source, queue)
    unpack(builder, source, buffer, op.result.span)


def _transfer(builder: Builder, op: Load, buffer: Buffer, queue: str, transposed: bool = False) -> None:
    chosen = positions(builder, op.index, buffer.partition, op.result.span)
    if op.fill is not None:
        clear(builder, buffer, op.fill, op.result.span)
    action = Transfer(op.tensor, op.index, buffer, store=False, transposed=transposed, positions=chosen, fill=op.fill)
    reads = [*(each for _, each in chosen), *read_buffers(builder, op)]
    builder.emit(f"load {op.tensor.name}", queue, "load", action, reads, (buffer,), op.result.span)


def clear(builder: Builder, buffer: Buffer, value: float, span: Span) -> None:
    """Fills a buffer before a load that does not write elements outside the tensor."""
    engines = tuple(each for each in ("gpsimd", "vector") if "memset" in builder.chip.engine(each).forms)
    builder.emit(f"clear {buffer.name}", engines[0], "memset", Clear(buffer, value), (), (buffer,), span)


def positions(builder: Builder, index: tuple[Index, ...], partition: Axis | None, span: Span) -> Positioned:
    """The buffers of gathered positions, one position a row of the tile. Raises `CannotLower` if the chip cannot gather."""
    chosen = []
    for value in gathered(index):
        if not builder.chip.dma.gathers:
            why = "its DMA engines move rows whose places are known beforehand, not rows that data choose"
            instead = f"run it on a chip that gathers ({', '.join(_gathering())}), or multiply by a one-hot matrix"
            raise CannotLower("TK519", builder.chip.name, span, why, instead)
        if [axis for axis in value.axes if not axis.unit] not in ([], [partition]):
            why = f"{said(value)} chooses rows along {', '.join(map(str, value.axes))}, and a gather takes one row a partition"
            raise CannotLower("TK520", builder.chip.name, span, why, "let one axis choose, and loop over the others `by 1`")
        chosen.append((value, in_sbuf(builder, value, span)))
    return tuple(chosen)


def _gathering() -> list[str]:
    known = map(load_chip, chip_names())
    return [each.name for each in known if isinstance(each, TrainiumChip) and each.dma.gathers]
