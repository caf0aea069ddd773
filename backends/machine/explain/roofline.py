"""The roofline of a run: at each memory level, the operations a byte, and the rate that the level and the engines allow.

Williams, Waterman, Patterson, Roofline, CACM 2009. Operations are those of the products, 2 a product, as in a chip's quoted
peak; for a kernel without products they are elements through the other engines. The chip's family says what a level supplies, and
the peak for the element types used.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..engine_program import EngineProgram
from ..time.run_traffic import Traffic, traffic


@dataclass(frozen=True, slots=True)
class Roof:
    """What a memory level allows, and what the run moved there."""

    name: str
    bytes_per_s: float
    moved: float
    """Bytes that one core reads and writes there."""


@dataclass(frozen=True, slots=True)
class Roofs:
    """What the engines and the memory levels of one core allow."""

    peak_per_s: float
    peak_name: str
    """The engines whose peak it is, and for what."""
    levels: tuple[Roof, ...]
    """Device memory first."""


@dataclass(frozen=True, slots=True)
class Level:
    """One memory level."""

    name: str
    bytes_per_s: float
    operations_per_byte: float
    """Operations of the kernel for each byte that it moves at this level."""


@dataclass(frozen=True, slots=True)
class Roofline:
    """A run against its roofs."""

    unit: str
    """`FLOP`, or `element` for a kernel without products."""
    peak_per_s: float
    peak_name: str
    achieved_per_s: float
    levels: tuple[Level, ...]


def roofline(program: EngineProgram, latency_us: float) -> Roofline:
    """The roofline of one core of a program that takes `latency_us`; with several cores, of the average core."""
    used = traffic(program).each(program.cores)
    roofs = program.family.roofs(program, used)
    operations = _operations(used)
    levels = tuple(Level(each.name, each.bytes_per_s, operations / max(1.0, each.moved)) for each in roofs.levels)
    unit = "FLOP" if used.macs else "element"
    return Roofline(unit, roofs.peak_per_s, roofs.peak_name, operations / latency_us * 1e6, levels)


def _operations(used: Traffic) -> float:
    return 2 * sum(float(number) for number in used.macs.values()) if used.macs else float(used.operations)
