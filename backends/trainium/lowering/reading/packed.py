"""Integers that lie two a byte: they come on the chip as bytes, and the vector engine takes them apart.

load w.packed [m, k / 2 bytes]  ->  w[m, ::2] = packed & 15;  w[m, 1::2] = packed >> 4

No engine reads half bytes, and none puts them together.
"""

from __future__ import annotations

from tilery.backends.machine.engine_program import Buffer
from tilery.backends.machine.errors import CannotLower
from tilery.backends.trainium.chip_tables import TrainiumChip
from tilery.dsl.program import Cast, Index, Load, Program, Store, Value, walk
from tilery.dsl.spans import Span
from tilery.dsl.types import F8E4M3FN, I8, U8, ElementType

from ...addressing import contiguous_axis
from ...instructions import Unpack
from ..builder import Builder


def refuse_types(kernel: Program, chip: TrainiumChip) -> None:
    """Raises `CannotLower` for an element type that the chip does not have, and for what would have to be packed."""
    for each in walk(kernel.body):
        match each:
            case Load():
                _refuse_absent(each.tensor.element, each.result.span, chip)
            case Store():
                _refuse_absent(each.tensor.element, each.span, chip)
                _refuse_packing(each.tensor.element, each.span, chip)
            case Cast():
                _refuse_absent(each.result.element, each.result.span, chip)
                _refuse_packing(each.result.element, each.result.span, chip)


def _refuse_absent(element: ElementType, span: Span, chip: TrainiumChip) -> None:
    if element == F8E4M3FN and element.name not in chip.tensor.cycles_per_column:
        instead = "use f8e4m3, whose largest number is 240, or store the bits as u8"
        raise CannotLower("TK523", chip.name, span, f"it has no {element}", instead)


def _refuse_packing(element: ElementType, span: Span, chip: TrainiumChip) -> None:
    if element.packed:
        instead = "leave them i8 or u8; pairs are put together by `bit_or(low, shift_left(high, 4))`"
        raise CannotLower("TK524", chip.name, span, f"no engine rounds to {element}, or packs two a byte", instead)


def on_chip(element: ElementType) -> ElementType:
    """The type that elements have once they are on the chip."""
    if not element.packed:
        return element
    return I8 if element.name.startswith("i") else U8


def bytes_for(builder: Builder, value: Value, index: tuple[Index, ...], unpacked: Buffer) -> Buffer:
    """The buffer to load to: `unpacked` itself, or one of bytes where those have to be taken apart."""
    if not value.element.packed:
        return unpacked
    along = contiguous_axis(index)
    if along is None or along == unpacked.partition:
        why = f"the {value.element} of a byte come to two partitions, or are gathered one by one"
        instead = "read rows along the last dimension, with another axis across the partitions"
        raise CannotLower("TK525", builder.chip.name, value.span, why, instead)
    name = f"{unpacked.name}.packed"
    return builder.buffer(name, "sbuf", value.element, value.axes, unpacked.partition, builder.work_slots(), runs=unpacked.runs)


def unpack(builder: Builder, source: Buffer, out: Buffer, span: Span) -> None:
    """Takes the loaded bytes apart, if they are any."""
    if source is out:
        return
    engines = tuple(each for each in builder.selector.having("tensor_scalar") if each != "scalar")
    action = Unpack(out.axes, source, out)
    builder.issue(f"unpack {out.name}", engines[0], "tensor_scalar", action, span)
