"""What a run reads and writes of every memory, and what it computes: for the roofline and for the energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..engine_program import DEVICE, EngineProgram, Structure
from ..numbers import Number
from .dealing import repeated
from .totals import Totals


@dataclass(slots=True)
class Traffic:
    """Bytes and operations, of an instruction or a whole run with all its cores: of one configuration, or an array of them."""

    moved: dict[str, Number] = field(default_factory=dict)
    """Bytes read and written, by memory; those of device memory under `DEVICE`."""
    macs: dict[str, Number] = field(default_factory=dict)
    """Multiplications and additions of products, by their operands' element type."""
    operations: Number = 0.0
    """Elements through the engines that make no products."""
    operands: dict[str, Number] = field(default_factory=dict)
    """What products read, and what turns their operands: a part of `moved`, by memory."""

    @property
    def hbm_bytes(self) -> Number:
        """Bytes of device memory."""
        return self.moved.get(DEVICE, 0.0)

    def add(self, other: Traffic, times: Number) -> None:
        """Adds what is repeated `times`."""
        for mine, others in ((self.moved, other.moved), (self.macs, other.macs), (self.operands, other.operands)):
            for name, number in others.items():
                # Not in place: an array may be one that the next configuration is computed from.
                mine[name] = mine.get(name, 0.0) + times * number
        self.operations = self.operations + times * other.operations

    def each(self, cores: int) -> Traffic:
        """A core's share."""
        moved, macs, operands = (_shared(part, cores) for part in (self.moved, self.macs, self.operands))
        return Traffic(moved, macs, self.operations / cores, operands)


def _shared(part: Mapping[str, Number], cores: int) -> dict[str, Number]:
    return {name: number / cores for name, number in part.items()}


def traffic(program: EngineProgram) -> Traffic:
    """Sums over everything that a program executes."""
    found, copies = Traffic(), repeated(program)
    totals = Totals(program.structure, program.dims, program.tiles)
    for node, times, extents in totals.executed():
        found.add(program.family.traffic(node, extents, totals.setting), times * copies.get(node, 1) * 1.0)
    return found


def traffic_of(structure: Structure, dims: Mapping[str, int], tiles: Mapping[str, Number]) -> Traffic:
    """The same of a structure on one core at given tile sizes, which may be arrays."""
    found, totals = Traffic(), Totals(structure, dims, tiles)
    for node, times, extents in totals.executed():
        found.add(structure.family.traffic(node, extents, totals.setting), times * 1.0)
    return found
