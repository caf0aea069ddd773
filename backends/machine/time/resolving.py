"""Computes every instruction's duration and every loop's number of full and shorter steps, for given shapes and tile sizes.

The result does not depend on the numbers of slots, and is cached: a search changes slots most often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ..engine_program import Barrier, Buffer, EngineProgram, Instruction, Loop, Node, Setting, Structure
from ..family import Queue
from .dealing import Numbers, cores_of
from .guards import Guards, inner_guard_axes
from .totals import dealt

FS_PER_S, FS_PER_US = 10**15, 10**9


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """An instruction with its duration, and with its queues and buffers by number."""

    instruction: Instruction
    queue: int
    shared: tuple[int, ...]
    """The other queues that wait for as long as it takes."""
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    awaited: tuple[int, ...]
    """Those of `writes` that other queues write as well. Writes of one queue come in the program's order by themselves."""
    duration_fs: int
    latency_fs: int
    warm_up_fs: int
    """The extra time of the queue's first instruction."""
    barrier: bool
    """True: it waits for all that came before it, and all that comes after waits for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """A loop with its numbers of full and shorter steps."""

    loop: Loop
    count: int
    """Full steps."""
    tile: int
    extent: int
    full: tuple[ResolvedStage, ...]
    tail: tuple[ResolvedStage, ...] | None
    """The stages of the shorter last step; None: the steps divide the extent."""
    tracked: bool
    """True: a guard inside reads this loop's positions. Its steps differ, and are walked one by one."""
    touched: Touched

    @property
    def is_single(self) -> bool:
        """Whether the loop has just one full step, in one stage."""
        return self.count == 1 and self.tail is None and len(self.full) == 1 and not self.tracked and self.loop.guard is None


@dataclass(frozen=True, slots=True, eq=False)
class ResolvedStage:
    """A stage with its instructions and loops resolved."""

    allocates: tuple[int, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Touched:
    """Which clocks a loop's steps change, and which they only read."""

    queues: tuple[int, ...]
    """The queues of the instructions inside."""
    charged: tuple[int, ...]
    """Other queues that the instructions inside hold up."""
    rings: tuple[int, ...]
    """Buffers that take new instances inside, and are read there. The clocks of all their slots change."""
    unread: tuple[tuple[int, tuple[int, ...]], ...]
    """Others that take new instances inside, with the queues that write them: their last reads stay where they are."""
    written: tuple[int, ...]
    """Buffers written inside whose instances are taken outside. The time of the last write changes."""
    released: tuple[int, ...]
    """Those of `written` that are also read inside. The time of the last read changes, too."""
    waiting: tuple[tuple[int, tuple[int, ...]], ...]
    """The rest of `written`, with the queues that write them: a write waits until readers of the value before are done."""
    read: tuple[tuple[int, tuple[int, ...]], ...]
    """Buffers that are only read inside, with the queues that read them."""


@dataclass(frozen=True, slots=True)
class Governed:
    """A queue that a profile shows active for longer than its work takes, where there is little to do."""

    queue: int
    warm_share: Fraction
    """The share of the run for which it is active at least,"""
    slowest: Fraction
    """as long as that is no more than so many times its work."""


Step = Leaf | Repeat | ResolvedStage
"""A stage by itself comes from a loop of one step."""


@dataclass(frozen=True, slots=True, eq=False)
class Resolved:
    """A structure with durations and numbers of steps, ready to be timed."""

    steps: tuple[Step, ...]
    starts: tuple[int, ...]
    """When each queue can begin, in femtoseconds."""
    guards: Guards
    governed: tuple[Governed, ...]
    """The queues that are active for longer where there is little to do."""


def resolve(program: EngineProgram) -> Resolved:
    """Resolves a program. Programs that differ in slots only share the result."""
    names = [each.axis.name for each in program.kernel.loop_variables if not each.axis.unit]
    tiles = tuple((name, int(program.config[name])) for name in dict.fromkeys(names))
    return _resolved(program.structure, tuple(program.dims.items()), tiles, program.cores)


@lru_cache(maxsize=1024)
def _resolved(structure: Structure, dims: Numbers, tiles: Numbers, cores: int) -> Resolved:
    program = EngineProgram(structure, dict(dims), dict(tiles), cores)
    resolver = _Resolver(program)
    return Resolved(resolver.steps(), tuple(resolver.starts), Guards(program), tuple(resolver.governed))


class _Resolver:
    """Computes the steps of one structure."""

    def __init__(self, program: EngineProgram) -> None:
        self._program = program
        self.buffers = {buffer: place for place, buffer in enumerate(program.structure.buffers)}
        instructions = [instruction for _, instruction in program.structure.instructions()]
        self.queues = {name: place for place, name in enumerate(dict.fromkeys(each.queue for each in instructions))}
        self._writers: dict[Buffer, set[str]] = {}
        for instruction in instructions:
            for buffer in instruction.writes_to:
                self._writers.setdefault(buffer, set()).add(instruction.queue)
        self._family, self._setting = program.family, Setting(program.structure, program.dims, program.tiles, program.cores)
        known = self._family.queues(program.chip, tuple(self.queues))
        self.starts = [_fs(each.starts_ns) for each in known]
        self._warm_ups = [_fs(each.warm_up_ns) for each in known]
        self._held_up = [_held_up(each, known) for each in known]
        self.governed = [
            Governed(place, Fraction(each.warm_share), 1 / Fraction(each.cold_speed))
            for place, each in enumerate(known)
            if each.warm_share > 0 and each.cold_speed < 1
        ]

    def steps(self) -> tuple[Step, ...]:
        """The whole program's steps."""
        return self._body(self._program.structure.body, dimension_extents(self._program))

    def _body(self, body: tuple[Node, ...], extents: Mapping[str, int]) -> tuple[Step, ...]:
        steps: list[Step] = []
        for node in body:
            if isinstance(node, Instruction):
                steps.append(self._leaf(node, extents))
                continue
            repeat = self._loop(node, extents)
            steps += _unwrapped(repeat) if repeat.is_single else [repeat]
        return tuple(steps)

    def _leaf(self, node: Instruction, extents: Mapping[str, int]) -> Leaf:
        queue = self.queues[node.queue]
        return Leaf(
            node,
            queue,
            self._held_up[queue],
            tuple(self.buffers[buffer] for buffer in node.reads_from),
            tuple(self.buffers[buffer] for buffer in node.writes_to),
            tuple(self.buffers[buffer] for buffer in node.writes_to if len(self._writers[buffer]) > 1),
            round(self._family.duration_s(node, extents, self._setting) * FS_PER_S),
            round(self._family.latency_s(node, self._program.chip) * FS_PER_S),
            self._warm_ups[queue],
            isinstance(node.action, Barrier),
        )

    def _loop(self, loop: Loop, extents: Mapping[str, int]) -> Repeat:
        name = loop.axis.name
        extent = self._extent(loop, extents)
        tile = min(extent, self._program.tile(loop.axis) if loop.limit is None else loop.limit)
        rest = extent % tile
        full = self._stages(loop, {**extents, name: tile})
        tail = self._stages(loop, {**extents, name: rest}) if rest else None
        tracked = loop.limit is None and name in inner_guard_axes(loop.body)
        count, ragged = extent // tile, rest > 0
        cores = cores_of(self._program, loop)
        if cores > 1:
            count, ragged = dealt(extent, tile, cores)
        last = tail if ragged or tracked else None
        return Repeat(loop, count, tile, extent, full, last, tracked, touched(full))

    def _extent(self, loop: Loop, extents: Mapping[str, int]) -> int:
        """The positions that a loop's steps cover together."""
        if loop.limit is not None:
            return extents[loop.axis.name]
        return extents[loop.axis.parent] if loop.axis.parent else self._program.extent(loop.axis)

    def _stages(self, loop: Loop, extents: Mapping[str, int]) -> tuple[ResolvedStage, ...]:
        return tuple(
            ResolvedStage(
                tuple(self.buffers[buffer] for buffer in stage.allocates),
                self._body(stage.body, extents),
            )
            for stage in loop.stages
        )


def _held_up(queue: Queue, queues: Sequence[Queue]) -> tuple[int, ...]:
    """The places of the queues that a queue holds up: those of its own engine, and those that it names."""
    return tuple(
        place
        for place, other in enumerate(queues)
        if other is not queue and (other.engine == queue.engine or other.name in queue.holds_up)
    )


def _fs(ns: float) -> int:
    return round(ns * 1e-9 * FS_PER_S)


def _unwrapped(repeat: Repeat) -> list[Step]:
    """The steps of a loop that is executed once, without the loop."""
    (stage,) = repeat.full
    return [stage] if stage.allocates else list(stage.steps)


def dimension_extents(program: EngineProgram) -> dict[str, int]:
    """Extents of the axes that no loop cuts: whole dimensions and `by 1` axes not yet entered."""
    return {name: program.tile(axis) for name, axis in program.structure.axes.items() if axis.whole}


def touched(stages: tuple[ResolvedStage, ...]) -> Touched:
    """The clocks that a loop's stages change or read."""
    leaves, rings = _leaves(stages), _rings(stages)
    queues = {leaf.queue for leaf in leaves}
    written = {buffer for leaf in leaves for buffer in leaf.writes} - rings
    unread = rings - {buffer for leaf in leaves for buffer in leaf.reads}
    read: dict[int, set[int]] = {}
    for leaf in leaves:
        for buffer in leaf.reads:
            if buffer not in rings and buffer not in written:
                read.setdefault(buffer, set()).add(leaf.queue)
    charged = {queue for leaf in leaves for queue in leaf.shared} - queues
    readers = tuple((buffer, tuple(sorted(who))) for buffer, who in sorted(read.items()))
    released = {buffer for leaf in leaves for buffer in leaf.reads} & written
    writers = tuple((buffer, _writers(leaves, buffer)) for buffer in sorted(written - released))
    return Touched(
        tuple(sorted(queues)),
        tuple(sorted(charged)),
        tuple(sorted(rings - unread)),
        tuple((buffer, _writers(leaves, buffer)) for buffer in sorted(unread)),
        tuple(sorted(written)),
        tuple(sorted(released)),
        writers,
        readers,
    )


def _writers(leaves: Iterable[Leaf], buffer: int) -> tuple[int, ...]:
    return tuple(sorted({leaf.queue for leaf in leaves if buffer in leaf.writes}))


def _leaves(stages: tuple[ResolvedStage, ...]) -> list[Leaf]:
    found: list[Leaf] = []
    for step in (step for stage in stages for step in stage.steps):
        found += [step] if isinstance(step, Leaf) else _leaves(_inside(step))
    return found


def _rings(stages: tuple[ResolvedStage, ...]) -> set[int]:
    found = {buffer for stage in stages for buffer in stage.allocates}
    inner = [step for stage in stages for step in stage.steps if not isinstance(step, Leaf)]
    return found.union(*(_rings(_inside(step)) for step in inner))


def _inside(step: Repeat | ResolvedStage) -> tuple[ResolvedStage, ...]:
    return step.full if isinstance(step, Repeat) else (step,)
