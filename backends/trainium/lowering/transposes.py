"""Transposes: tiles with another axis across the partitions, and what transposes them."""

from __future__ import annotations

from collections.abc import Mapping

from tilery.backends.machine.choices import ForShort
from tilery.backends.machine.engine_program import Buffer, Copy, Transpose
from tilery.backends.machine.errors import CannotLower
from tilery.backends.tunable import Choice
from tilery.dsl.program import Axis, Value
from tilery.dsl.spans import Span
from tilery.dsl.types import ElementType

from .builder import Builder
from .carriers import carrier


def way_to_turn(
    builder: Builder,
    name: str,
    element: ElementType,
    axes: tuple[Axis | None, ...],
    reason: str,
    span: Span,
    by_dma: bool = False,
) -> Choice:
    """What transposes a tile: the tensor engine, the DMA engines (`by_dma`), or an elementwise engine, block by block.

    An elementwise engine takes an instruction for each of its small blocks: for longer dimensions only the others are searched.
    The tensor engine transposes element types that it multiplies, and those that one of these holds exactly.
    """
    block, engine = max((builder.chip.engine(each).transpose_block, each) for each in ("vector", "scalar", "gpsimd"))
    able = {"tensor": carrier(builder.chip, element) is not None, "dma": by_dma, engine: bool(block)}
    options = tuple(way for way, can in able.items() if can)
    if not options:
        known = ", ".join(builder.chip.tensor.cycles_per_column)
        why = f"{reason}, and nothing there transposes {element}"
        instead = f"store the tensor with its last two axes exchanged, or use an element type that it multiplies ({known})"
        raise CannotLower("TK510", builder.chip.name, span, why, instead)
    unit = builder.chip.tensor
    why = f"it turns {block} x {block} elements an instruction, and the tensor engine {unit.rows} x {unit.columns}"
    short = ForShort(engine, tuple(axis for axis in axes if axis), block, why) if block else None
    return builder.choices.pick(f"transpose.{name}", options, reason, short)


def transpose(builder: Builder, source: Buffer, out: Buffer, name: str, way: str, span: Span) -> None:
    """Transposes every block of `source` into `out`.

    An elementwise engine and the DMA engines write them there directly. The tensor engine leaves them in PSUM, and each bank
    that is full is copied. A bank holds 512 columns. A tile variable across the partitions is likely to be long: four of its
    folds share a bank.
    """
    rows, columns = out.partition, source.partition
    if rows is None or columns is None:
        why = f"{name} is the same on every partition, and a dot needs axis {rows} across them"
        raise CannotLower("TK511", builder.chip.name, span, why, "give the operand both axes of the product")
    if way != "tensor":
        queue = builder.transfer_queue("turn") if way == "dma" else way
        builder.emit(f"transpose {name}", queue, "transpose", Transpose(source, out, rows, columns), (source,), (out,), span)
        return
    columns_a_bank = builder.chip.psum.bank_bytes // 4
    long, short = max(columns_a_bank, builder.chip.tensor.columns), builder.chip.tensor.columns
    limits = {axis.name: 1 for axis in source.axes if axis not in (rows, columns) and not axis.unit}
    limits |= {rows.name: short, columns.name: long} if rows.whole else {rows.name: long, columns.name: short}
    by_name = {axis.name: axis for axis in source.axes}
    with builder.blocks([(by_name[each], limit) for each, limit in limits.items()], span):
        carried = _carried(builder, source, name, limits, span)
        slots = builder.choices.slots("buffers.turn", (1, 2), 2, "PSUM banks between a transpose and its copy")
        bank = builder.buffer(f"{name}.turn", "psum", carried.element, source.axes, rows, slots, blocks=limits)
        action = Transpose(carried, bank, rows, columns)
        builder.emit(f"transpose {name}", "tensor", "transpose", action, (carried,), (bank,), span)
        copy(builder, bank, out, "turn", span)


def _carried(builder: Builder, source: Buffer, name: str, limits: Mapping[str, int], span: Span) -> Buffer:
    """The block, cast to the element type in which the tensor engine transposes it."""
    element = carrier(builder.chip, source.element)
    if element in (source.element, None):
        return source
    assert element is not None
    slots = builder.work_slots()
    target = builder.buffer(f"{name}.{element}", "sbuf", element, source.axes, source.partition, slots, blocks=limits)
    copy(builder, source, target, f"{name}.{element}", span)
    return target


def copy(builder: Builder, source: Buffer, target: Buffer, name: str, span: Span) -> None:
    """Copies a buffer to another one. The engine is a knob."""
    engine = copying_engine(builder, name, source, span)
    builder.emit(f"copy {name}", engine, "copy", Copy(source, target), (source,), (target,), span)


def copying_engine(builder: Builder, name: str, source: Buffer, span: Span) -> str:
    """The engine of a copy: a knob, where the tile is more than a column."""
    engines = tuple(each for each in ("vector", "scalar", "gpsimd") if "copy" in builder.chip.engine(each).forms)
    small = all(axis == source.partition or axis.unit for axis in source.axes)
    return builder.engine(name, engines, (source,), small, span)


def across(builder: Builder, value: Value, axis: Axis, span: Span) -> Buffer:
    """The buffer of `value` in SBUF with `axis` across the partitions. Emits the transpose if there is none yet."""
    known = builder.crossed.get((value, axis))
    if known is not None and any(known.storage in frame.allocates for frame in builder.frames):
        return known  # one that was made in a loop that has ended is there no more
    home = in_sbuf(builder, value, span)
    if home.partition == axis:
        return home
    label = builder.label(value)
    out = builder.buffer(f"{label}.t", "sbuf", home.element, home.axes, axis, builder.work_slots())
    reason = f"axis {axis} of {label} has to lie across the partitions"
    by_dma = builder.chip.dma.turn_share > 0 and home.element.name in builder.chip.dma.transpose_elements
    by_dma = by_dma and sum(not each.unit for each in home.axes) == 2
    way = way_to_turn(builder, label, home.element, (axis, home.partition), reason, span, by_dma)
    transpose(builder, home, out, label, str(way), span)
    builder.crossed[value, axis] = out
    return out


def in_sbuf(builder: Builder, value: Value, span: Span) -> Buffer:
    """The buffer of `value` in SBUF. Emits a copy if the tensor engine left the value in PSUM."""
    home = builder.home[value]
    if home.memory == "sbuf":
        return home
    name = builder.label(value)
    target = builder.buffer(f"{name}.s", "sbuf", value.element, value.axes, home.partition, builder.work_slots())
    copy(builder, home, target, f"{name}.s", span)
    return target
