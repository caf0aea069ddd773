"""How long an engine program takes: in-order queues and bounded buffers, as a (max,+) recurrence with periodic jumps.

    start = max(queue free, inputs written, slot released) ;  end = start + duration

Every queue runs its instructions in program order. The loads of one loop share a queue, and so do its stores. A transfer
occupies its own queue, and holds up every other transfer queue for as long as it takes, because all of them share the DMA
engines; a queue that is not behind does not notice. Engines that share a port hold each other up in the same way. Time is
counted in whole femtoseconds, so that sums are exact and a repeated pattern can be recognised by equality.

A loop whose steps cost the same maps the clocks by the same (max,+) linear map, which commutes with adding a constant to all
of them (Baccelli, Cohen, Olsder, Quadrat, Synchronization and Linearity, 1992). So once the clocks that the loop moves repeat
an earlier step's up to one constant, and those it only reads no longer decide anything, every later step repeats too, and
the walk jumps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .cost import duration_s, latency_s
from .guards import Guards, inner_guard_axes
from .program import Buffer, EngineProgram, Instruction, Loop, Node
from .totals import dealt

FS_PER_S = 10**15

Recorder = Callable[[Instruction, int, int], None]
"""Called with an instruction, its start and its end in femtoseconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """An instruction with its numbers."""

    instruction: Instruction
    queue: int
    shared: tuple[int, ...]
    """The other queues that it holds up."""
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    awaited: tuple[int, ...]
    """Those of `writes` that other queues write too: only their writes can come in another order than the program's."""
    duration_fs: int
    latency_fs: int
    warm_up_fs: int
    """What its engine loses when it is used for the first time."""


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """A loop with its numbers."""

    loop: Loop
    count: int
    """Full steps."""
    tile: int
    extent: int
    full: tuple[BoundStage, ...]
    tail: tuple[BoundStage, ...] | None
    """The stages of the shorter last step; None: the steps divide the extent."""
    tracked: bool
    """A guard inside looks at this loop's positions: its steps differ, and are walked one by one."""
    touched: Touched

    @property
    def is_single(self) -> bool:
        """True if there is nothing to repeat: one full step, in one stage."""
        return self.count == 1 and self.tail is None and len(self.full) == 1 and not self.tracked and self.loop.guard is None


@dataclass(frozen=True, slots=True, eq=False)
class BoundStage:
    """A stage with its numbers."""

    allocates: tuple[int, ...]
    rotated: tuple[int, ...]
    """Those of them that have more than one slot."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Touched:
    """Which clocks a loop's steps move, and which they only look at."""

    queues: tuple[int, ...]
    """Queues that instructions inside wait in."""
    charged: tuple[int, ...]
    """Further queues that its transfers hold up."""
    rings: tuple[int, ...]
    """Buffers that get new instances inside: all their slots move."""
    written: tuple[int, ...]
    """Buffers written inside but given out outside: their current slot moves."""
    read: tuple[tuple[int, tuple[int, ...]], ...]
    """Buffers only read inside, with the queues that read them."""


Step = Leaf | Repeat | BoundStage
"""A stage alone is a loop of one step."""


def latency_fs(program: EngineProgram, record: Recorder | None = None, jump: bool = True) -> int:
    """Femtoseconds from the first instruction's start to the last one's end.

    `record` sees every instruction that is walked: all of them only without `jump`.
    """
    return Walk(program, record, jump).run()


class Binder:
    """Puts numbers to a structure: durations and step counts for full and ragged tiles."""

    def __init__(self, program: EngineProgram) -> None:
        self._program = program
        self.buffers = {buffer: place for place, buffer in enumerate(program.structure.buffers)}
        found: dict[str, int] = {}
        for _, instruction in program.structure.instructions():
            found.setdefault(instruction.queue, len(found))
        self.queues = found
        self._writers: dict[Buffer, set[str]] = {}
        for _, instruction in program.structure.instructions():
            for buffer in instruction.writes:
                self._writers.setdefault(buffer, set()).add(instruction.queue)
        self._dma = [place for name, place in found.items() if name.startswith("dma.")]
        trigger_fs = round(program.chip.dma.trigger_ns * 1e-9 * FS_PER_S)
        self.starts = [trigger_fs if name.startswith("dma.") else 0 for name in found]
        """When each queue can begin."""

    def bind(self) -> tuple[Step, ...]:
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
            self._held_up(node, queue),
            tuple(self.buffers[buffer] for buffer in node.reads),
            tuple(self.buffers[buffer] for buffer in node.writes),
            tuple(self.buffers[buffer] for buffer in node.writes if len(self._writers[buffer]) > 1),
            round(duration_s(node, self._program.chip, extents, self._program.dims) * FS_PER_S),
            round(latency_s(node, self._program.chip) * FS_PER_S),
            round(self._program.chip.tensor.warm_up_ns * 1e-9 * FS_PER_S) if node.engine == "tensor" else 0,
        )

    def _held_up(self, node: Instruction, queue: int) -> tuple[int, ...]:
        if node.engine == "dma":
            return tuple(each for each in self._dma if each != queue)
        if node.engine == "tensor":
            return ()
        others = self._program.chip.engine(node.engine).holds_up
        return tuple(self.queues[name] for name in others if name in self.queues)

    def _loop(self, loop: Loop, extents: Mapping[str, int]) -> Repeat:
        name = loop.axis.name
        extent = self._extent(loop, extents)
        tile = min(extent, self._program.tile(loop.axis) if loop.limit is None else loop.limit)
        rest = extent % tile
        full = self._stages(loop, {**extents, name: tile})
        tail = self._stages(loop, {**extents, name: rest}) if rest else None
        tracked = loop.limit is None and name in inner_guard_axes(loop.body)
        count, ragged = extent // tile, rest > 0
        if self._program.is_dealt(loop):
            count, ragged = dealt(extent, tile, self._program.cores)
        last = tail if ragged or tracked else None
        return Repeat(loop, count, tile, extent, full, last, tracked, touched(full))

    def _extent(self, loop: Loop, extents: Mapping[str, int]) -> int:
        """The positions that a loop's steps cover together."""
        if loop.limit is not None:
            return extents[loop.axis.name]
        return extents[loop.axis.parent] if loop.axis.parent else self._program.extent(loop.axis)

    def _stages(self, loop: Loop, extents: Mapping[str, int]) -> tuple[BoundStage, ...]:
        return tuple(
            BoundStage(
                tuple(self.buffers[buffer] for buffer in stage.allocates),
                tuple(self.buffers[buffer] for buffer in stage.allocates if self._program.slots(buffer) > 1),
                self._body(stage.body, extents),
            )
            for stage in loop.stages
        )


def _unwrapped(repeat: Repeat) -> list[Step]:
    """The steps of a loop that is executed once, without the loop."""
    (stage,) = repeat.full
    return [stage] if stage.allocates else list(stage.steps)


def dimension_extents(program: EngineProgram) -> dict[str, int]:
    """Extents of the axes that no loop cuts: whole dimensions and `by 1` axes not yet entered."""
    axes = {axis for buffer in program.structure.buffers for axis in buffer.axes}
    return {axis.name: program.tile(axis) for axis in axes if axis.whole}


def touched(stages: tuple[BoundStage, ...]) -> Touched:
    """The clocks that a loop's stages concern."""
    leaves, rings = _leaves(stages), _rings(stages)
    queues = {leaf.queue for leaf in leaves}
    written = {buffer for leaf in leaves for buffer in leaf.writes} - rings
    read: dict[int, set[int]] = {}
    for leaf in leaves:
        for buffer in leaf.reads:
            if buffer not in rings and buffer not in written:
                read.setdefault(buffer, set()).add(leaf.queue)
    charged = {queue for leaf in leaves for queue in leaf.shared} - queues
    readers = tuple((buffer, tuple(sorted(who))) for buffer, who in sorted(read.items()))
    return Touched(tuple(sorted(queues)), tuple(sorted(charged)), tuple(sorted(rings)), tuple(sorted(written)), readers)


def _leaves(stages: tuple[BoundStage, ...]) -> list[Leaf]:
    found: list[Leaf] = []
    for step in (step for stage in stages for step in stage.steps):
        found += [step] if isinstance(step, Leaf) else _leaves(_inside(step))
    return found


def _rings(stages: tuple[BoundStage, ...]) -> set[int]:
    found = {buffer for stage in stages for buffer in stage.allocates}
    inner = [step for stage in stages for step in stage.steps if not isinstance(step, Leaf)]
    return found.union(*(_rings(_inside(step)) for step in inner))


def _inside(step: Repeat | BoundStage) -> tuple[BoundStage, ...]:
    return step.full if isinstance(step, Repeat) else (step,)


class Walk:
    """One walk over a program: the clocks, and how steps move them."""

    after = 0
    """Whole periods that are walked after a jump nevertheless: for who looks on, as `Recording` does."""
    least = 1
    """Steps that a jump must leave out."""

    def __init__(self, program: EngineProgram, record: Recorder | None = None, jump: bool = True) -> None:
        binder = Binder(program)
        self._steps = binder.bind()
        self._free = list(binder.starts)
        slots = [program.slots(buffer) for buffer in binder.buffers]
        # One clock a slot: when it was last written, and when it was last read. The current instance is the last one.
        self._written = [[0] * count for count in slots]
        self._read = [[0] * count for count in slots]
        # Which instance the stage at hand means: the latest one, or an earlier one where newer steps have begun.
        self._which = [-1] * len(slots)
        self._program = program
        self._cores = program.cores
        self._guards = Guards(program)
        self._ranges: dict[str, tuple[int, int]] = {}
        self._cold = True
        self._record = record
        self._jump = jump
        self.events = 0
        """Instructions walked, repetitions and jumps not counted: what the walk itself cost."""

    def run(self) -> int:
        """Walks the program; gives its end in femtoseconds."""
        self._body(self._steps)
        # A queue may only have been held up, not used, after its last instruction: only writes and reads tell the end.
        return max(clock for rings in (self._written, self._read) for ring in rings for clock in ring)

    def _body(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            if isinstance(step, Leaf):
                self._leaf(step)
            elif isinstance(step, Repeat):
                self._repeat(step)
            else:
                self._stage(step)

    def _leaf(self, leaf: Leaf) -> None:
        free, written, read, which = self._free, self._written, self._read, self._which
        start = free[leaf.queue]
        for buffer in leaf.reads:
            clock = written[buffer][which[buffer]]
            if clock > start:
                start = clock
        for buffer in leaf.awaited:
            clock = written[buffer][which[buffer]]
            if clock > start:
                start = clock
        for buffer in leaf.writes:
            clock = read[buffer][which[buffer]]
            if clock > start:
                start = clock
        duration = leaf.duration_fs
        if leaf.warm_up_fs and self._cold:
            duration += leaf.warm_up_fs
            self._cold = False
        free[leaf.queue] = start + duration
        for other in leaf.shared:
            free[other] += duration
        end = start + duration + leaf.latency_fs
        for buffer in leaf.reads:
            ring = read[buffer]
            if end > ring[which[buffer]]:
                ring[which[buffer]] = end
        for buffer in leaf.writes:
            written[buffer][which[buffer]] = end
        self.events += 1
        if self._record is not None:
            self._record(leaf.instruction, start, end)

    def _repeat(self, repeat: Repeat) -> None:
        if repeat.loop.guard is not None:
            steps = self._guards.steps(repeat.loop, self._ranges)
            full = sum(step < repeat.count for step in steps)
            self._steps_of(repeat, full, len(steps) > full)
        elif repeat.tracked:
            self._each(repeat)
        else:
            self._steps_of(repeat, repeat.count, repeat.tail is not None)

    def _each(self, repeat: Repeat) -> None:
        """Steps whose positions matter to a guard inside, one by one; such a loop is no innermost one, and has one stage."""
        name = repeat.loop.axis.name
        cores = self._cores if self._program.is_dealt(repeat.loop) else 1
        first = (-(-repeat.extent // repeat.tile) - 1) % cores  # of the core that has the last step, the longest under a guard
        for start in range(first * repeat.tile, repeat.extent, cores * repeat.tile):
            stop = min(repeat.extent, start + repeat.tile)
            self._ranges[name] = (start, stop)
            whole = stop - start == repeat.tile or repeat.tail is None
            for stage in repeat.full if whole else repeat.tail or repeat.full:
                self._stage(stage)
        del self._ranges[name]

    def _stage(self, stage: BoundStage) -> None:
        for buffer in stage.rotated:
            ring = self._written[buffer]
            ring.append(ring.pop(0))
            ring = self._read[buffer]
            ring.append(ring.pop(0))
        self._body(stage.steps)

    def _steps_of(self, repeat: Repeat, full: int, tail: bool) -> None:
        """`full` full steps, then perhaps the shorter one, their stages interleaved."""
        ahead = len(repeat.full) - 1
        total = full + tail
        if not ahead:
            (stage,) = repeat.full
            self._some(repeat, full, lambda: self._stage(stage))
            if tail and repeat.tail is not None:
                self._stage(repeat.tail[0])
            return
        for turn in range(min(ahead, total + ahead)):
            self._turn(repeat, turn, full, total)
        if full > ahead:
            self._some(repeat, full - ahead, lambda: self._turn(repeat, ahead, full, total))
        for turn in range(max(ahead, full), total + ahead):
            self._turn(repeat, turn, full, total)
        for stage in repeat.full:
            for buffer in stage.allocates:
                self._which[buffer] = -1

    def _turn(self, repeat: Repeat, turn: int, full: int, total: int) -> None:
        """The first stage of step `turn`, the second one of the step before it, and so on."""
        for number in range(len(repeat.full)):
            step = turn - number
            if not 0 <= step < total:
                continue
            stages = repeat.full if step < full else repeat.tail
            assert stages is not None
            for earlier in range(number):
                newest = min(turn - earlier, total - 1)
                for buffer in stages[earlier].allocates:
                    self._which[buffer] = step - newest - 1
            for buffer in stages[number].allocates:
                self._which[buffer] = -1
            self._stage(stages[number])

    def _some(self, repeat: Repeat, count: int, once: Callable[[], None]) -> None:
        """`count` equal turns of a loop, jumping as soon as they repeat."""
        seen: dict[tuple[int, ...], tuple[int, int]] = {}
        charges: list[list[int]] = []
        done = 0
        watch = self._jump and count > 3
        while done < count:
            once()
            done += 1
            if not watch:
                continue
            base, pattern = self._pattern(repeat.touched)
            charges.append([self._free[queue] for queue in repeat.touched.charged])
            if pattern in seen and self._decided(repeat.touched):
                earlier, earlier_base = seen[pattern]
                period = done - earlier
                jumps = max(0, (count - done) // period - self.after)
                before = charges[earlier - 1]
                if jumps * period < self.least:
                    jumps = 0
                if jumps:
                    self._leap(repeat, jumps * period, (base - earlier_base) * jumps, before, jumps)
                done += jumps * period
                watch = False
            else:
                seen[pattern] = (done, base)

    def _leap(self, repeat: Repeat, steps: int, shift: int, charges: list[int], jumps: int) -> None:
        """Leaves out `steps` steps, `jumps` periods, which take `shift` together."""
        self._shift(repeat.touched, shift, charges, jumps)

    def _pattern(self, touched: Touched) -> tuple[int, tuple[int, ...]]:
        """The clocks that the loop moves, as differences to the first of them, which is given too."""
        clocks = [self._free[queue] for queue in touched.queues]
        for buffer in touched.rings:
            clocks += self._written[buffer]
            clocks += self._read[buffer]
        for buffer in touched.written:
            clocks.append(self._written[buffer][self._which[buffer]])
            clocks.append(self._read[buffer][self._which[buffer]])
        for buffer, _ in touched.read:
            clocks.append(self._read[buffer][self._which[buffer]])
        base = clocks[0]
        return base, tuple([clock - base for clock in clocks])

    def _decided(self, touched: Touched) -> bool:
        """True if no clock that the loop only reads can hold an instruction up any more: its readers' queues are past it."""
        return all(
            self._written[buffer][self._which[buffer]] <= self._free[queue] for buffer, queues in touched.read for queue in queues
        )

    def _shift(self, touched: Touched, shift: int, charges: list[int], jumps: int) -> None:
        """Moves the clocks as `jumps` further periods would: all by `shift`; queues only held up, by what a period charges."""
        for queue in touched.queues:
            self._free[queue] += shift
        for queue, before in zip(touched.charged, charges, strict=True):
            self._free[queue] += (self._free[queue] - before) * jumps
        for buffer in touched.rings:
            self._written[buffer] = [clock + shift for clock in self._written[buffer]]
            self._read[buffer] = [clock + shift for clock in self._read[buffer]]
        for buffer in touched.written:
            self._written[buffer][self._which[buffer]] += shift
            self._read[buffer][self._which[buffer]] += shift
        for buffer, _ in touched.read:
            self._read[buffer][self._which[buffer]] += shift
