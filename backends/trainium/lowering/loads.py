"""Loads: which loop each stands in (residency), and the transposes of loaded tiles.

for m: for n: for k: load a[m, k]        hoist.a = none
for m: load a[m, K]; for n: for k: ...   hoist.a = n     a is loaded once for all steps of n
"""

from __future__ import annotations

from dataclasses import replace

from tilery.backends.chips import chip_names, load_chip
from tilery.backends.machine.engine_program import Buffer, Clear, Positioned, Transfer
from tilery.backends.machine.errors import CannotLower, said
from tilery.backends.trainium.chip_tables import TrainiumChip
from tilery.dsl.program import Axis, Dot, Index, Load, Value
from tilery.dsl.spans import Span

from ..addressing import alongside, gathered, is_strided
from ..parts.copies import copy_of
from ..phases.waiting import read_buffers
from ..wide.moving import Steps, covering, moved_at_once, opened, tile_by_tile
from ..wide.offered import widened_index
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
    here = depth == len(builder.frames) - 1
    inner = [frame.axis for frame in builder.frames[depth + 1 :]]
    needed = {axis.name for axis in op.result.axes} | {axis.parent for axis in op.result.axes}
    cut = [axis for axis in inner if axis is not None and axis.name in needed]
    with builder.outside(depth):
        builder.loaded[key] = (builder.frames[-1], op.result)
        queue = builder.transfer_queue("load")
        for axis, natural in wanted:
            if natural:
                _plain(builder, op, cut, queue, here)
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
    load = builder.uses.definition.get(value)
    natural = raw_partition(builder, load, _moved_index(builder, load)) if isinstance(load, Load) else builder.layout[value]
    wanted: dict[Axis | None, bool] = {}
    for use in builder.uses.of(value):
        axis = contracted_axis(builder, use.by, value) if isinstance(use.by, Dot) else builder.layout[value]
        wanted[axis] = axis == natural
    return list(wanted.items())


def _moved_index(builder: Builder, op: Load) -> tuple[Index, ...]:
    """The index of a load; a wide one's has positions of several steps, if they are those of a loop `by 1`."""
    wide = builder.wide.get(op)
    return op.index if wide is None else widened_index(op.index, wide.axis, replace(wide.axis, unit=False))


def raw_partition(builder: Builder, op: Load, index: tuple[Index, ...]) -> Axis | None:
    """The partition axis with which a value is loaded by a transfer at `index`: that of its layout, unless single elements would
    be transferred."""
    partition = builder.layout[op.result]
    known = op.result in builder.uses.definition
    return alongside(index) if known and is_strided(index, partition) else partition


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
    hoisted = _hoisted_to(builder, op)
    if hoisted is not None:
        return hoisted
    if op in builder.wide:
        return next(place for place, frame in enumerate(builder.frames) if frame.around == builder.wide[op].axis)
    return len(builder.frames) - 1


def is_hoisted(builder: Builder, op: Load) -> bool:
    """Whether a load is hoisted out of any of the loops that are open, or of one of these."""
    return _hoisted_to(builder, op) is not None


def _hoisted_to(builder: Builder, op: Load) -> int | None:
    """The frame around the loop that a load is hoisted out of; None: it stays where what reads it is."""
    loops: dict[str, int] = {}
    for place, frame in enumerate(builder.frames):
        variable = frame.around or frame.axis
        if variable is not None:
            loops.setdefault(variable.name, place)
    needed = {axis.name for axis in op.result.axes} | {axis.parent for axis in op.result.axes}
    independent = {axis: place for axis, place in loops.items() if axis not in needed}
    name = op.tensor.name
    reason = f"{name} does not depend on {', '.join(independent)}: loaded once for all its steps, it takes more memory"
    chosen = str(builder.choices.pick(f"hoist.{name}", ("none", *independent), reason)) if independent else "none"
    return None if chosen == "none" else independent[chosen] - 1


def _plain(builder: Builder, op: Load, cut: list[Axis], queue: str, here: bool) -> None:
    """Emits a load as its readers want it; `here`: where they stand, and not before a loop around them."""
    name, value, runs = op.tensor.name, op.result, builder.runs.get(op.result)
    moved, steps = moved_at_once(builder, op, cut)
    partition = raw_partition(builder, op, moved.index)
    slots, element = builder.slots(name), on_chip(value.element)

    def made() -> Buffer:
        return builder.buffer(name, "sbuf", element, value.axes, partition, slots, cut=cut, runs=runs)

    buffer = copy_of(builder, ("load", name, element, value.axes, partition, runs), (), made) if here else made()
    builder.home[value] = buffer
    with opened(builder, steps, value.span):
        _unpacked(builder, moved, covering(builder, buffer, moved.result.axes), queue)


def _turned(builder: Builder, op: Load, axis: Axis, cut: list[Axis], queue: str) -> None:
    """Emits a load with `axis` across the partitions, although this axis is contiguous in device memory."""
    name, value = op.tensor.name, op.result
    buffer = builder.buffer(f"{name}.t", "sbuf", on_chip(value.element), value.axes, axis, builder.slots(name), cut=cut)
    if axis == builder.layout[value]:
        builder.home[value] = buffer
    builder.crossed[value, axis] = buffer
    by_dma = value.element.name in builder.chip.dma.transpose_elements and sum(not each.unit for each in value.axes) == 2
    by_dma = by_dma and op.fill is None and not gathered(op.index)
    moved, steps = moved_at_once(builder, op, cut)
    partition = raw_partition(builder, op, moved.index)
    reason = f"{name} is stored along {axis}, which is needed across the partitions"
    way = way_to_turn(builder, name, on_chip(value.element), (axis, partition), reason, value.span, by_dma)
    if way == "dma" and op in builder.wide and builder.wide[op].axis == axis:
        moved, steps = op, tile_by_tile(builder, cut)  # whole rows, one a partition of the result
    with opened(builder, steps, value.span):
        if way == "dma":
            _transfer(builder, moved, covering(builder, buffer, moved.result.axes), queue, transposed=True)
            return
        raw = builder.buffer(name, "sbuf", on_chip(value.element), moved.result.axes, partition, builder.slots(name))
        _unpacked(builder, moved, raw, queue)
        with opened(builder, _tiles_of(builder, op, axis, moved), value.span):
            inside = builder.frames[-1].axis == axis and moved is not op
            source = covering(builder, raw, value.axes) if inside else raw
            transpose(builder, source, buffer if inside else covering(builder, buffer, raw.axes), name, str(way), value.span)


def _tiles_of(builder: Builder, op: Load, axis: Axis, moved: Load) -> Steps:
    """The loop over the tiles of a wide load along the axis that comes across the partitions: each is turned by itself, as the
    instructions that read it begin at the first partition."""
    wide = builder.wide.get(op)
    if wide is None or wide.axis != axis:
        return []
    covered = next(there for own, there in zip(op.result.axes, moved.result.axes, strict=True) if own == axis)
    return [(axis, covered)]


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
