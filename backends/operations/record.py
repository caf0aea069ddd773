"""The backends' half of an elementwise operation: one record with everything that executing, judging and lowering it takes.

The language's half, its arity and types, is the record of the same name in `dsl/functions.py`. No field has a default, so that
none is forgotten in silence: what does not exist is said to be `Absent`, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol, TypeVar

from ..numbers.rounding import Array

T = TypeVar("T")
Meaning = Callable[..., Array]
"""Operands of one type, then `out=`, which may be None; gives `out` or a new array."""
Slopes = Callable[[Sequence[Array], Array], Sequence[Array | float]]
"""Given the operands and the function's value, its partial derivative by each operand, or a magnitude of it.

Where a function has a jump (`floor`, comparisons), the slope is that of the pieces: an error that crosses a jump is not seen.
"""
Jump = Callable[[Sequence[Array], Sequence[Array]], Array]
"""Given the operands and how far each may be off, the largest error of the function's jumps."""
Scale = Callable[[Sequence[Array], Array], Array]
Unit = Literal["alu", "one operand", "table", "select", "none"]
"""What of an elementwise engine carries an operation out: arithmetic, which an instruction can do twice; a pass over one tile
operand; a function that a chip's table lists; a select; nothing, so that it has to be expanded."""


class Writer(Protocol[T]):
    """Writes an operation down: on arrays at once, or as operations of a program. A number stands for itself everywhere."""

    def __call__(self, fn: str, *operands: T | float) -> T:
        """`fn` of the operands."""


@dataclass(frozen=True, slots=True)
class Absent:
    """What an operation does not have."""

    reason: str

    def __post_init__(self) -> None:
        if not self.reason:
            raise ValueError("what is absent has a reason")


@dataclass(frozen=True, slots=True)
class Names:
    """The expression for an operation in the targets of export, `{0}` being its first operand."""

    nki: str | Absent
    """In NKI: the member of `nki.language` that an instruction takes as its operation or function."""
    triton: str | Absent
    """In Triton, with `tl` and `libdevice`."""
    pallas: str | Absent
    """In Pallas, with `jnp` and `lax`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An elementwise operation."""

    name: str
    """As in `dsl.functions.FUNCTIONS`."""
    meaning: Meaning
    """What it does to arrays in computing form: float32, or float64 in the reference, int32 and bool."""
    slopes: Slopes
    """How strongly it passes an error of each operand on."""
    jumps: Jump | Absent
    """Where it jumps: how far it may be off where the operands' errors reach a jump."""
    rounds: float | Scale
    """The error that it adds itself, in rounding units of its value: 0 if its result is exact; or what the unit multiplies."""
    domain: tuple[tuple[float, float], ...]
    """For each operand the range where slopes and accuracy are tested: there it is defined, and smooth but for jumps."""
    expansion: Callable[..., Any] | Absent
    """Writes it in terms of other operations, `expansion(writer, *operands)`; to the bit what `meaning` gives for float32."""
    unit: Unit
    """What of an engine carries it out."""
    names: Names
    """What it is called in the targets of export."""

    def __post_init__(self) -> None:
        for each in fields(self):
            if getattr(self, each.name) is None:
                raise TypeError(f"the record of `{self.name}` lacks `{each.name}`")
        if self.unit == "none" and isinstance(self.expansion, Absent):
            raise TypeError(f"`{self.name}` has neither an engine's unit nor an expansion: no chip could carry it out")


def steady(arity: int) -> Slopes:
    """The slopes of a function that is constant between its jumps."""
    return lambda x, v: [0.0] * arity


SMOOTH = Absent("it is continuous")
ANY = (-3.0, 3.0)
"""The range of a function that is defined everywhere."""
POSITIVE = (0.1, 3.0)
"""The range of one that is defined above 0."""
