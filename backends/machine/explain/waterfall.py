"""Where the time goes: from the ideal time, effect by effect, to the latency of the run.

Each step is the run with one more effect switched off, starting from the run as it is:

    fixed overheads   no latencies, floors, fixed or least cycles
    buffer stalls     as many slots as anything could want
    fill and drain    the busiest engine alone: it begins at once, ends last, and never waits for another
    tails             ragged last tiles cost their share of a full one
    blocking          no data moved twice, no transposes, every row and column of the array in use, elementwise work for nothing
    ideal             what is left: the products at peak rate, or every tensor moved once
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tilery.backends.chips import changed
from tilery.dsl.program import size_value

from ..engine_program import Buffer, EngineProgram, Instruction
from ..splits import Extents
from ..time.resolving import FS_PER_S
from ..time.run_traffic import traffic
from ..time.timing import latency_fs
from ..time.totals import Totals
from .sweep import on_chip

ENOUGH = 64
"""With this many slots, no program waits for a free one."""


@dataclass(frozen=True, slots=True)
class Step:
    """The time that one effect adds."""

    name: str
    why: str
    adds_us: float
    total_us: float
    """All that has been added so far."""


@dataclass(frozen=True, slots=True, eq=False)
class Unbounded(EngineProgram):
    """A program with so many slots that it never waits for one."""

    def slots(self, buffer: Buffer) -> int:
        """More than enough."""
        return ENOUGH


def waterfall(program: EngineProgram) -> tuple[Step, ...]:
    """The steps, from the ideal to the run. Their sum is the latency."""
    quick = on_chip(program, changed(program.chip, program.family.overheads))
    actual, no_overheads = latency_fs(program) / FS_PER_S, latency_fs(quick) / FS_PER_S
    no_stalls = latency_fs(Unbounded(quick.structure, quick.dims, quick.config, quick.cores)) / FS_PER_S
    busiest, alone = max(busy(quick).items(), key=lambda each: each[1])
    _, even = max(busy(quick, even=True).items(), key=lambda each: each[1])
    losses = {engine.name: engine.losses for engine in program.family.engines(program.chip)}
    best, why = ideal(program)
    reached = [
        ("ideal", why, best),
        ("blocking", f"{busiest} engine: {losses[busiest]}", even),
        ("tails", f"{busiest} engine: ragged last tiles", alone),
        ("fill and drain", f"the {busiest} engine waits for others", no_stalls),
        ("buffer stalls", "waits for free slots", no_overheads),
        ("fixed overheads", "latencies, floors, fixed cycles", actual),
    ]
    return _steps(reached, actual)


def _steps(reached: list[tuple[str, str, float]], actual: float) -> tuple[Step, ...]:
    """The differences between successive times. An effect whose removal does not help adds nothing."""
    found, total = [], 0.0
    for place, (name, why, seconds) in enumerate(reached):
        level = min([seconds, actual, *(later for _, _, later in reached[place + 1 :])])
        level = max(level, total)
        found.append(Step(name, why, (level - total) * 1e6, level * 1e6))
        total = level
    return tuple(found)


def ideal(program: EngineProgram) -> tuple[float, str]:
    """Seconds that the products take at peak rate, or every tensor moved once: the longer one, and which."""
    chip = program.chip
    products = chip.least_s({name: float(macs) for name, macs in traffic(program).macs.items()}) / program.cores
    moved = compulsory_bytes(program) / chip.memory_bytes_per_s / program.cores
    return max((products, "every product at peak rate"), (moved, "every tensor moved once"))


def compulsory_bytes(program: EngineProgram) -> float:
    """Bytes of all arguments and results, each once."""
    signature = program.kernel.signature
    tensors = (*signature.tensors, *signature.results)
    return float(sum(prod(size_value(size, program.dims) for size in each.shape) * each.element.bytes for each in tensors))


def busy(program: EngineProgram, even: bool = False) -> dict[str, float]:
    """Seconds of work of each engine; `even`: with ragged last tiles at their share of what a full one costs."""
    found: dict[str, float] = {}
    whole: dict[Instruction, tuple[Extents, float]] = {}
    totals = Totals(program.structure, program.dims, program.tiles, program.cores)
    for node, times, extents in totals.executed():
        cost = float(program.family.duration_s(node, extents, totals.setting))
        if even:
            # Full steps come first, so that the first extents that an instruction is met at are the fullest.
            full, most = whole.setdefault(node, (extents, cost))
            cost = most * _share(node, extents, full)
        found[node.engine] = found.get(node.engine, 0.0) + float(times) * cost
    return found


def _share(node: Instruction, extents: Extents, full: Extents) -> float:
    """What part of a full tile the extents cover, along the axes that the instruction knows."""
    axes = {axis.name for buffer in (*node.reads, *node.writes) for axis in buffer.axes}
    return prod(float(extents[name]) / float(full[name]) for name in axes if float(full[name]))
