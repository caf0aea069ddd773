"""The result of a simulation: latency, what bounds it, and how busy every engine was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilery.backends.trainium.capacity import usage
from tilery.backends.trainium.cost import duration_s, flops, transferred_bytes

from ..engine_program import EngineProgram, MatMul, Transfer
from .dealing import busy_cores, dealt_loops, repeated
from .resolving import FS_PER_S
from .timing import latency_fs
from .totals import Totals

ENGINES = ("tensor", "vector", "scalar", "gpsimd", "dma")


@dataclass(frozen=True, slots=True)
class EngineShare:
    """How busy one engine is."""

    busy_us: float
    busy_share: float
    """Share of the latency in which it works; the rest of the time it waits."""
    instructions: int
    """Instructions issued, each with its counted repetitions as one."""


@dataclass(frozen=True, slots=True)
class Report:
    """The prediction for one engine program on one core."""

    latency_us: float
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
    """Of what one core's DMA engines can move in that time."""
    sbuf_bytes_per_partition: int
    sbuf_bytes_available: int
    psum_banks: int
    psum_banks_available: int
    cores: int
    """How many cores were asked for."""
    busy_cores: int
    """How many of them have something to do."""
    dealt: Mapping[str, int]
    """Over how many cores the steps of each independent loop are dealt out, outermost first."""
    steps: Mapping[str, int]
    """Steps of each of them."""


def simulate(program: EngineProgram) -> Report:
    """Times an engine program."""
    chip = program.chip
    latency_s = latency_fs(program) / FS_PER_S
    busy = dict.fromkeys(ENGINES, 0.0)
    count = dict.fromkeys(ENGINES, 0.0)
    moved = 0.0
    macs: dict[str, float] = {}
    sizes = tile_sizes(program)
    for node, times, extents in Totals(program.structure, program.dims, sizes, program.cores).executed():
        busy[node.engine] += times * duration_s(node, chip, extents, program.dims)
        count[node.engine] += times
    copies = repeated(program)
    for node, times, extents in Totals(program.structure, program.dims, sizes).executed():
        if isinstance(node.action, MatMul):
            element = node.action.moving.element.name
            macs[element] = macs.get(element, 0.0) + float(times * flops(node, extents)) / 2
        if isinstance(node.action, Transfer):
            moved += copies.get(node, 1) * times * transferred_bytes(node.action, chip, extents)
    shares = {name: EngineShare(busy[name] * 1e6, busy[name] / latency_s, round(count[name])) for name in ENGINES}
    busiest = max(ENGINES, key=lambda name: busy[name])
    work, least_s = 2 * sum(macs.values()), chip.tensor.least_s(macs)
    sbuf, psum = usage(program)
    return Report(
        latency_us=latency_s * 1e6,
        bound=busiest if shares[busiest].busy_share >= 0.5 else "waiting",
        peak_share=least_s / program.cores / latency_s,
        peak_flops=program.cores * (work / least_s if least_s else chip.peak_flops),
        flops=round(work),
        engines=shares,
        hbm_bytes=round(moved),
        bandwidth_share=moved / latency_s / (program.cores * chip.dma_bytes_per_s),
        sbuf_bytes_per_partition=sbuf,
        sbuf_bytes_available=chip.sbuf.bytes_per_partition,
        psum_banks=psum,
        psum_banks_available=chip.psum.banks,
        cores=program.cores,
        busy_cores=busy_cores(program),
        dealt={each.axis.name: each.cores for each in dealt_loops(program)},
        steps={each.axis.name: each.steps for each in dealt_loops(program)},
    )


def tile_sizes(program: EngineProgram) -> dict[str, int]:
    """The tile size of every tile variable, cut to its dimension."""
    variables = program.kernel.loop_variables
    return {each.axis.name: program.tile(each.axis) for each in variables}
