"""The roofline of a run: operations a byte at each memory level against what level and engines allow.

Williams, Waterman, Patterson, Roofline, CACM 2009. Operations are those of the products, 2 a product, as in a chip's quoted
peak; of a kernel without products they are elements through the elementwise engines. What a level supplies: HBM what one core's
DMA engines move; SBUF what the engines' ports take, which is two elements a row and cycle for the tensor engine, and one f32
element read and one written a lane and cycle for the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...dsl.types import ELEMENT_TYPES
from ..chips import Chip
from .program import EngineProgram
from .traffic import Traffic, traffic
from .waterfall import ELEMENTWISE


@dataclass(frozen=True, slots=True)
class Level:
    """One memory level."""

    name: str
    bytes_per_s: float
    operations_per_byte: float
    """Of the kernel, at this level."""


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
    """The roofline of one core of a program that takes `latency_us`: of several, on average."""
    used = traffic(program).each(program.cores)
    return _products(program.chip, used, latency_us) if used.macs else _elements(program.chip, used, latency_us)


def _products(chip: Chip, used: Traffic, latency_us: float) -> Roofline:
    unit = chip.tensor
    name = max(used.macs, key=lambda each: used.macs[each])
    peak = 2.0 * unit.macs_per_s(name)
    operations = 2 * sum(used.macs.values())
    # Where two rows go in at once, the port takes twice as many elements.
    port = 2 * unit.rows * _bytes(name) * unit.clock_hz * (2 if name in unit.double_row else 1)
    levels = (
        _level("HBM", chip.dma_bytes_per_s, operations, used.hbm_bytes),
        _level("SBUF", port, operations, used.tensor_sbuf_bytes),
    )
    return Roofline("FLOP", peak, f"tensor engine, {name}", operations / latency_us * 1e6, levels)


def _elements(chip: Chip, used: Traffic, latency_us: float) -> Roofline:
    rate = sum(chip.engine(name).lanes * chip.engine(name).clock_hz for name in ELEMENTWISE if chip.engine(name).forms)
    levels = (
        _level("HBM", chip.dma_bytes_per_s, used.operations, used.hbm_bytes),
        _level("SBUF", 8 * rate, used.operations, used.sbuf_bytes),
    )
    return Roofline("element", rate, "vector, scalar and gpsimd engines", used.operations / latency_us * 1e6, levels)


def _level(name: str, bytes_per_s: float, operations: float, moved: float) -> Level:
    return Level(name, bytes_per_s, operations / max(1.0, moved))


def _bytes(name: str) -> int:
    return ELEMENT_TYPES[name].bytes
