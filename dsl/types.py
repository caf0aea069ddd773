"""Element types: what a tensor in device memory, or a tile on the chip, may be made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["float", "int", "bool"]


@dataclass(frozen=True, slots=True)
class ElementType:
    """A concrete element type."""

    name: str
    """Its name in `.tk` text, e.g. `bf16`."""
    bytes: float
    """Bytes an element takes in memory: half a one where two are packed into it, the first one in the low bits."""
    kind: Kind
    """Which arithmetic it takes part in."""
    significand_bits: int = 0
    """Bits of the significand, the implicit one included; 0 for integers. The rounding unit is 2**-significand_bits."""

    @property
    def packed(self) -> bool:
        """Whether a byte holds two of them."""
        return self.bytes < 1

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class TypeVariable:
    """An element type that the arguments decide, e.g. the `T` of `a: T[M, K]`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Wide:
    """What arithmetic makes of a type variable: f32 if it is bound to a float type, i32 if to an integer one."""

    variable: TypeVariable

    def __str__(self) -> str:
        return f"wide({self.variable})"


AnyType = ElementType | TypeVariable | Wide
"""The type of a tile. In a specialised kernel it is always an `ElementType`."""

F32 = ElementType("f32", 4, "float", 24)
BF16 = ElementType("bf16", 2, "float", 8)
F16 = ElementType("f16", 2, "float", 11)
F8E4M3 = ElementType("f8e4m3", 1, "float", 4)
F8E4M3FN = ElementType("f8e4m3fn", 1, "float", 4)
F8E5M2 = ElementType("f8e5m2", 1, "float", 3)
I32 = ElementType("i32", 4, "int")
I16 = ElementType("i16", 2, "int")
I8 = ElementType("i8", 1, "int")
U16 = ElementType("u16", 2, "int")
U8 = ElementType("u8", 1, "int")
I4 = ElementType("i4", 0.5, "int")
U4 = ElementType("u4", 0.5, "int")
BOOL = ElementType("bool", 1, "bool")

ELEMENT_TYPES: dict[str, ElementType] = {
    each.name: each for each in (F32, BF16, F16, F8E4M3, F8E4M3FN, F8E5M2, I32, I16, I8, I4, U16, U8, U4, BOOL)
}
"""Every element type by its name in the text."""


def type_name(kind: AnyType) -> str:
    """A type as a message names it."""
    return f"arithmetic on {kind.variable}" if isinstance(kind, Wide) else str(kind)


def widened(kind: AnyType) -> AnyType:
    """The type in which arithmetic on `kind` is done: f32 for floats, i32 for integers and bool."""
    match kind:
        case ElementType(kind="float"):
            return F32
        case ElementType():
            return I32
        case TypeVariable():
            return Wide(kind)
        case Wide():
            return kind
