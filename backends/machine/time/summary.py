"""The result of a simulation: latency, what bounds it, and how busy every engine was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..capacity import usage
from ..engine_program import EngineProgram
from .dealing import busy_cores, dealt_loops, repeated
from .resolving import FS_PER_S, FS_PER_US
from .timing import walked
from .totals import Totals


@dataclass(frozen=True, slots=True)
class EngineShare:
    """How busy one engine is."""

    busy_us: float
    busy_share: float
    """Share of the latency in which it works; the rest of the time it waits."""
    instructions: int
    """Instructions issued, each with its counted repetitions as one."""
    stretched: float = 1.0
    """How many times as long a profile shows it active, because it waits inside its instructions (`pace.py`)."""

    @property
    def active_us(self) -> float:
        """For how long a profile shows it active."""
        return self.busy_us * self.stretched


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What a program takes of a memory, in that memory's unit."""

    used: int
    available: int


@dataclass(frozen=True, slots=True)
class Report:
    """The prediction for one engine program on one core."""

    latency_us: float
    """Of one run; with its launch where that was asked for. All shares are of the kernel's own time."""
    bound: str
    """The busiest engine's name, or `waiting` where none is busy half of the time."""
    peak_share: float
    """FLOP rate over `peak_flops`, between 0 and 1."""
    peak_flops: float
    """The most FLOP/s of all cores together. Each product counts the peak of its operands' element type. Without products it is
    the chip's quoted peak."""
    flops: int
    """Multiplications and additions of the matmuls."""
    engines: Mapping[str, EngineShare]
    hbm_bytes: int
    """Bytes moved between device memory and the chip."""
    bandwidth_share: float
    """Of what the cores can move in that time."""
    memories: Mapping[str, MemoryUse]
    cores: int
    """How many cores were asked for."""
    busy_cores: int
    """How many of them have something to do."""
    dealt: Mapping[str, int]
    """Over how many cores the steps of each independent loop are dealt out, outermost first."""
    steps: Mapping[str, int]
    """Steps of each of them."""
    launch_us: float = 0.0
    """What of the latency is the launch; 0 where that was not asked for."""

    @property
    def kernel_us(self) -> float:
        """The latency without a launch."""
        return self.latency_us - self.launch_us


def simulate(program: EngineProgram, launch: bool = False) -> Report:
    """Times an engine program. `launch`: with what starting it takes; `UsageError` where nobody says how long that is."""
    chip, family, engines = program.chip, program.family, [each.name for each in program.family.engines(program.chip)]
    latency, stretched = walked(program)
    latency_s = latency / FS_PER_S
    busy = dict.fromkeys(engines, 0.0)
    count = dict.fromkeys(engines, 0.0)
    moved = 0.0
    macs: dict[str, float] = {}
    sizes = program.tiles
    totals = Totals(program.structure, program.dims, sizes, program.cores)
    for node, times, extents in totals.executed():
        busy[node.engine] += times * family.duration_s(node, extents, totals.setting)
        count[node.engine] += times
    copies, totals = repeated(program), Totals(program.structure, program.dims, sizes)
    for node, times, extents in totals.executed():
        for element, number in family.macs(node, extents).items():
            macs[element] = macs.get(element, 0.0) + float(times * number)
        moved += copies.get(node, 1) * times * family.moved_bytes(node, extents, totals.setting)
    shares = {
        name: EngineShare(busy[name] * 1e6, busy[name] / latency_s, round(count[name]), stretched.get(name, 1.0))
        for name in engines
    }
    busiest = max(engines, key=lambda name: busy[name])
    work, least_s = 2 * sum(macs.values()), chip.least_s(macs)
    used = usage(program)
    launch_us = chip.launch_us if launch else 0.0
    return Report(
        latency_us=latency / FS_PER_US + launch_us,
        launch_us=launch_us,
        bound=busiest if shares[busiest].busy_share >= 0.5 else "waiting",
        peak_share=least_s / program.cores / latency_s,
        peak_flops=program.cores * (work / least_s if least_s else chip.peak_flops),
        flops=round(work),
        engines=shares,
        hbm_bytes=round(moved),
        bandwidth_share=moved / latency_s / (program.cores * chip.memory_bytes_per_s),
        memories={each.name: MemoryUse(used[each.name], each.capacity) for each in family.memories(chip)},
        cores=program.cores,
        busy_cores=busy_cores(program),
        dealt={each.axis.name: each.cores for each in dealt_loops(program)},
        steps={each.axis.name: each.steps for each in dealt_loops(program)},
    )
