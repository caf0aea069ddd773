"""What the engines and the memories of one core allow: the roofs of a roofline.

Device memory supplies what one core's DMA engines move; SBUF what the engines' ports take, which is two elements a row and cycle
for the tensor engine, and one f32 element read and one written a lane and cycle for the others. The peak is that of the element
types used, each product at the rate of its own; and of the elementwise engines, in the fastest mode for the tiles that there are.
"""

from __future__ import annotations

from tilery.dsl.types import ELEMENT_TYPES

from ..machine.engine_program import EngineProgram
from ..machine.explain.roofline import Roof, Roofs
from ..machine.time.run_traffic import Traffic
from .chip_tables import ELEMENTWISE, TrainiumChip, trainium


def roofs(program: EngineProgram, used: Traffic) -> Roofs:
    """The roofs of a program; `used` is one core's share of its traffic."""
    return _products(trainium(program.chip), used) if used.macs else _elements(program, used)


def _products(chip: TrainiumChip, used: Traffic) -> Roofs:
    unit, macs = chip.tensor, {name: float(number) for name, number in used.macs.items()}
    # Where two rows go in at once, the port takes twice as many elements.
    port = max(2 * unit.rows * _bytes(name) * unit.clock_hz * (2 if name in unit.double_row else 1) for name in macs)
    levels = (_device(chip, used), Roof("SBUF", port, used.operands["sbuf"]))
    names = " and ".join(sorted(macs, key=lambda name: -macs[name]))
    return Roofs(2 * sum(macs.values()) / unit.least_s(macs), f"tensor engine, {names}", levels)


def _elements(program: EngineProgram, used: Traffic) -> Roofs:
    chip = trainium(program.chip)
    rate = sum(_rate(program, chip, name) for name in ELEMENTWISE)
    levels = (_device(chip, used), Roof("SBUF", 8 * rate, used.moved["sbuf"]))
    return Roofs(rate, "vector, scalar and gpsimd engines", levels)


def _rate(program: EngineProgram, chip: TrainiumChip, name: str) -> float:
    """Elements a second through an engine at most; nothing through one that the chip does without."""
    engine = chip.engine(name)
    tiles = {each.element.name for _, node in program.structure.instructions() for each in (*node.reads, *node.writes)}
    fastest = max((1.0, *engine.modes.values())) if tiles & set(engine.mode_elements) else 1.0
    return engine.lanes * engine.clock_hz * fastest if engine.forms else 0.0


def _device(chip: TrainiumChip, used: Traffic) -> Roof:
    return Roof("HBM", chip.dma_bytes_per_s, used.hbm_bytes)


def _bytes(name: str) -> float:
    return ELEMENT_TYPES[name].bytes
