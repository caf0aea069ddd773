"""The element type in which the tensor engine passes a tile through: its own, or a float type that holds it exactly.

bf16 -> bf16      the engine multiplies it
i8   -> bf16      8 bits of significand hold every integer of 8 bits
i16  -> f32       on chips that multiply f32
i32  -> nothing   no float type holds 32 bits: an elementwise engine or the DMA engines transpose it, or nothing does
"""

from __future__ import annotations

from tilery.backends.numbers.rounding import largest_and_smallest
from tilery.backends.trainium.chip_tables import TrainiumChip
from tilery.dsl.types import ELEMENT_TYPES, ElementType


def carrier(chip: TrainiumChip, element: ElementType) -> ElementType | None:
    """The type to which a tile of `element` is cast for the tensor engine. None: the tensor engine cannot transpose it."""
    known = chip.tensor.cycles_per_column
    if element.name in known:
        return element
    able = [each for each in map(ELEMENT_TYPES.__getitem__, known) if holds(each, element)]
    return min(able, key=lambda each: (known[each.name], each.bytes), default=None)


def holds(carrier: ElementType, element: ElementType) -> bool:
    """True if every value of `element` is one of `carrier`, a float type."""
    if carrier.kind != "float":
        return False
    if element.kind != "float":
        bits = 1 if element.kind == "bool" else int(8 * element.bytes)
        return carrier.significand_bits >= bits
    (most, least), (largest, smallest) = largest_and_smallest(carrier), largest_and_smallest(element)
    return carrier.significand_bits >= element.significand_bits and most >= largest and least <= smallest
