"""The family of chips around AWS Trainium, as the machine asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tilery.dsl.program import Program

from ..machine.engine_program import Buffer, EngineProgram, Instruction, Setting, Transfer
from ..machine.explain.elements import Apart, Single
from ..machine.explain.roofline import Roofs
from ..machine.family import Engine, Family, Memory, Queue, Tile
from ..machine.numbers import Number
from ..machine.splits import Extents, Split
from ..machine.time.run_traffic import Traffic
from ..simplify.passes import Pass
from ..tunable import Tunable
from . import apart, buffer_sizes, cost, described, repetitions, roofs, tiles, traffic, transfers
from .chip_tables import ELEMENTWISE, TrainiumChip, contradictions, trainium
from .lowering.lower import Lowering
from .lowering.prepare import passes
from .runs.told import single_elements


class Trainium(Family[TrainiumChip]):
    """What the machine asks, each answered by the file beside this one that knows."""

    chip = TrainiumChip
    sections = described.SECTIONS
    overheads = described.OVERHEADS
    improvements = described.IMPROVEMENTS
    calibrated = described.CALIBRATED

    def memories(self, chip: TrainiumChip) -> tuple[Memory, ...]:
        """SBUF and PSUM."""
        return described.memories(chip)

    def engines(self, chip: TrainiumChip) -> tuple[Engine, ...]:
        """All five, whether the chip does without some of them or not."""
        return described.ENGINES

    def queues(self, chip: TrainiumChip, names: Sequence[str]) -> tuple[Queue, ...]:
        """A queue an engine, but for the DMA engines: the loads of one loop share a queue, and its stores."""
        return tuple(_queue(chip, name) for name in names)

    def contradictions(self, chip: TrainiumChip) -> Iterable[str]:
        """What no chip of this family can be."""
        return contradictions(chip)

    def absent(self, chip: TrainiumChip) -> tuple[str, ...]:
        """Elementwise engines of no form."""
        return tuple(name for name in ELEMENTWISE if not chip.engine(name).forms)

    def tile_sizes(self, kernel: Program, dims: Mapping[str, int], chip: TrainiumChip) -> tuple[Tunable, ...]:
        """Multiples of what the chip takes at once, and what cuts a dimension evenly."""
        return tiles.tile_tunables(kernel, dims, chip)

    def passes(self, chip: TrainiumChip) -> tuple[Pass, ...]:
        """In the chip's vocabulary, and simplified."""
        return passes(chip)

    def lowering(self, kernel: Program, chip: TrainiumChip) -> Lowering:
        """Layout, fusion, residency, stages."""
        return Lowering(kernel, chip)

    def takes(self, buffer: Buffer, chip: TrainiumChip, tile: Tile, extent: Tile) -> Number:
        """SBUF bytes in every partition, or PSUM banks."""
        return buffer_sizes.takes(buffer, chip, tile, extent)

    def duration_s(self, node: Instruction, extents: Extents, setting: Setting) -> Number:
        """The published formulas; they depend on nothing but the extents."""
        return cost.duration_s(node, trainium(setting.chip), extents, setting.dims, setting.cores)

    def latency_s(self, node: Instruction, chip: TrainiumChip) -> float:
        """Of transfers."""
        return cost.latency_s(node, chip)

    def moved_bytes(self, node: Instruction, extents: Extents, setting: Setting) -> Number:
        """Those of a transfer."""
        if not isinstance(node.action, Transfer):
            return 0
        return transfers.transferred_bytes(node.action, trainium(setting.chip), extents)

    def macs(self, node: Instruction, extents: Extents) -> Mapping[str, Number]:
        """Those of a matmul."""
        return cost.macs(node, extents)

    def traffic(self, node: Instruction, extents: Extents, setting: Setting) -> Traffic:
        """Bytes of device memory, SBUF and PSUM; products; elements through the other engines."""
        return traffic.traffic(node, extents, setting)

    def repetitions(self, node: Instruction, chip: TrainiumChip) -> tuple[Split, ...]:
        """Blocks of the array, and as many rows as there are partitions."""
        return repetitions.repetitions(node, chip)

    def roofs(self, program: EngineProgram, used: Traffic) -> Roofs:
        """Of device memory and SBUF."""
        return roofs.roofs(program, used)

    def single_elements(self, program: EngineProgram) -> tuple[Single, ...]:
        """Flat tensors that could lie in runs."""
        return single_elements(program)

    def elements_apart(self, program: EngineProgram) -> tuple[Apart, ...]:
        """Strided and gathered places."""
        return apart.elements_apart(program)


def _queue(chip: TrainiumChip, name: str) -> Queue:
    engine = name.partition(".")[0]
    if engine == "dma":
        return Queue(name, engine, starts_ns=chip.dma.trigger_ns)
    if engine == "tensor":
        unit = chip.tensor
        return Queue(name, engine, warm_up_ns=unit.warm_up_ns, warm_share=unit.warm_share, cold_speed=unit.cold_speed)
    return Queue(name, engine, holds_up=chip.engine(engine).holds_up)


FAMILY = Trainium()
