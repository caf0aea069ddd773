"""The roofline of a run: at each memory level, the operations a byte, and the rate that the level and the engines allow.

Williams, Waterman, Patterson, Roofline, CACM 2009. Operations are those of the products, 2 a product, as in a chip's quoted
peak; for a kernel without products they are elements through the elementwise engines. The bandwidth of HBM is that of one core's
DMA engines. The bandwidth of SBUF is that of the engines' ports: two elements a row and cycle for the tensor engine, one f32
element read and one written a lane and cycle for the others. The peak is that of the element types used, each product at the
rate of its own, or of the elementwise engines in the fastest mode that the kernel's tiles allow.
"""

from __future__ import annotations

from dataclasses import dataclass

from tilery.backends.chips import Chip
from tilery.backends.trainium.traffic import Traffic, traffic
from tilery.dsl.types import ELEMENT_TYPES

from ..engine_program import EngineProgram
from .waterfall import ELEMENTWISE


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
    return _products(program.chip, used, latency_us) if used.macs else _elements(program, used, latency_us)


def _products(chip: Chip, used: Traffic, latency_us: float) -> Roofline:
    unit, macs = chip.tensor, {name: float(number) for name, number in used.macs.items()}
    operations, least_s = 2 * sum(macs.values()), chip.tensor.least_s(macs)
    # Where two rows go in at once, the port takes twice as many elements.
    port = max(2 * unit.rows * _bytes(name) * unit.clock_hz * (2 if name in unit.double_row else 1) for name in macs)
    levels = (
        _level("HBM", chip.dma_bytes_per_s, operations, used.hbm_bytes),
        _level("SBUF", port, operations, used.tensor_sbuf_bytes),
    )
    names = " and ".join(sorted(macs, key=lambda name: -macs[name]))
    return Roofline("FLOP", operations / least_s, f"tensor engine, {names}", operations / latency_us * 1e6, levels)


def _elements(program: EngineProgram, used: Traffic, latency_us: float) -> Roofline:
    chip = program.chip
    rate = sum(_rate(program, name) for name in ELEMENTWISE)
    levels = (
        _level("HBM", chip.dma_bytes_per_s, used.operations, used.hbm_bytes),
        _level("SBUF", 8 * rate, used.operations, used.sbuf_bytes),
    )
    return Roofline("element", rate, "vector, scalar and gpsimd engines", used.operations / latency_us * 1e6, levels)


def _rate(program: EngineProgram, name: str) -> float:
    """Elements a second through an engine at most; nothing through one that the chip does without."""
    engine = program.chip.engine(name)
    tiles = {each.element.name for _, node in program.structure.instructions() for each in (*node.reads, *node.writes)}
    fastest = max((1.0, *engine.modes.values())) if tiles & set(engine.mode_elements) else 1.0
    return engine.lanes * engine.clock_hz * fastest if engine.forms else 0.0


def _level(name: str, bytes_per_s: float, operations: float, moved: float) -> Level:
    return Level(name, bytes_per_s, operations / max(1.0, moved))


def _bytes(name: str) -> int:
    return ELEMENT_TYPES[name].bytes
