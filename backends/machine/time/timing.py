"""How long an engine program takes: in-order queues and bounded buffers, as a (max,+) recurrence with periodic jumps.

    start = max(queue free, inputs written, slot released) ;  end = start + duration

Every queue runs its instructions in program order. The loads of one loop share a queue, and so do its stores. A transfer
occupies its own queue, and holds up every other transfer queue for as long as it takes, because all of them share the DMA
engines; a queue that has nothing to do meanwhile loses no time. Engines that share a port hold each other up in the same way.
Time is counted in whole femtoseconds, so that sums are exact and a repeated pattern can be recognised by equality.

A loop whose steps cost the same maps the clocks by the same (max,+) linear map, which commutes with adding a constant to all
of them (Baccelli, Cohen, Olsder, Quadrat, Synchronization and Linearity, 1992). So once the clocks that the loop moves repeat
an earlier step's up to one constant, and those it only reads no longer decide anything, every later step repeats too, and
the walk jumps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..engine_program import EngineProgram, Instruction
from ..stage_order import in_turn, turn_count
from .dealing import cores_of
from .guards import guarded_by
from .joined import Joined
from .pace import paces
from .resolving import Leaf, Repeat, ResolvedStage, Step, Touched, resolve

Recorder = Callable[[Instruction, int, int], None]
"""Called with an instruction, its start and its end in femtoseconds."""


def latency_fs(program: EngineProgram, record: Recorder | None = None, jump: bool = True) -> int:
    """Femtoseconds from the first instruction's start to the last one's end.

    `record` is called for every instruction that is walked. Jumps leave instructions out: for all of them, set `jump` to False.
    """
    return Walk(program, record, jump).run()


def walked(program: EngineProgram) -> tuple[int, dict[str, float]]:
    """The latency in femtoseconds, and by engine how many times as long its instructions are active as they need (`pace.py`)."""
    walk = Walk(program)
    end = walk.run()
    names = tuple(dict.fromkeys(node.queue for _, node in program.structure.instructions()))
    found = paces(walk.governed, walk.worked, end)
    return end, {names[queue].partition(".")[0]: float(pace) for queue, pace in found.items()}


class Walk:
    """One walk over a program: the clocks, and how every step changes them."""

    after = 0
    """How many periods to walk after a jump, for recorders."""
    least = 1
    """The fewest steps that a jump has to skip; a shorter one is walked."""

    def __init__(self, program: EngineProgram, record: Recorder | None = None, jump: bool = True) -> None:
        numbers = resolve(program)
        self._steps = numbers.steps
        self._free = list(numbers.starts)
        slots = [program.slots(buffer) for buffer in program.structure.buffers]
        # One clock a slot: when it was last written, and when it was last read. The current instance is the last one.
        self._written = [[0] * count for count in slots]
        self._read = [[0] * count for count in slots]
        # Which instance the stage at hand means: the latest one, or an earlier one where newer steps have begun.
        self._which = [-1] * len(slots)
        self._program = program
        self._guards = numbers.guards
        self._ranges: dict[str, tuple[int, int]] = {}
        self._warm: set[int] = set()  # queues that have been used
        self.governed = numbers.governed
        self.worked = [0] * len(self._free)
        """For how long each queue has worked."""
        self._record = record
        self._jump = jump
        self.events = 0
        """How many instructions were walked. Repetitions and skipped steps do not count."""

    def run(self) -> int:
        """Walks the program and returns its end in femtoseconds."""
        self._body(self._steps)
        return self._all_done()

    def _all_done(self) -> int:
        """When all that was walked is done, its results written."""
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
        start = free[leaf.queue] if not leaf.barrier else self._all_done()
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
        self.worked[leaf.queue] += duration
        if leaf.warm_up_fs and leaf.queue not in self._warm:
            duration += leaf.warm_up_fs
            self._warm.add(leaf.queue)
        free[leaf.queue] = start + duration
        if leaf.barrier:
            self._free = [max(each, start + duration) for each in free]
        else:
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
        if repeat.tracked:
            self._each(repeat)
        else:
            self._steps_of(repeat, *self.counts(repeat))

    def counts(self, repeat: Repeat) -> tuple[int, bool]:
        """How many full steps a loop has here, and whether there is a shorter one."""
        if repeat.loop.guard is None:
            return repeat.count, repeat.tail is not None
        steps = self._guards.steps(repeat.loop, self._ranges)
        full = sum(step < repeat.count for step in steps)
        return full, len(steps) > full

    def _each(self, repeat: Repeat) -> None:
        """Walks the steps of a loop whose positions a guard inside reads. Such a loop is not innermost, and has one stage."""
        name = repeat.loop.axis.name
        joined = Joined(self) if repeat.loop.joined else None
        for here, count in self._alike(repeat):
            self._ranges[name] = here
            whole = here[1] - here[0] == repeat.tile or repeat.tail is None
            (stage,) = repeat.full if whole else repeat.tail or repeat.full
            self._some(repeat, count, partial(joined.step if joined else self._stage, stage), joined)
        if joined:
            joined.finish()
        del self._ranges[name]

    def _alike(self, repeat: Repeat) -> Iterator[tuple[tuple[int, int], int]]:
        """The first position range of every run of steps in which each guard inside lets the same steps through; their number."""
        inside = guarded_by(repeat.loop, repeat.loop.axis.name)
        known = {repeat.loop.axis.name, *self._ranges}
        comparable = self._jump and all(self._guards.reads(each) <= known for each in inside)
        through: tuple[object, ...] = ()
        first, count = (0, 0), 0
        for here in _positions(repeat, cores_of(self._program, repeat.loop)):
            ranges = {**self._ranges, repeat.loop.axis.name: here}
            now = (here[1] - here[0], *(self._guards.steps(each, ranges) for each in inside)) if comparable else ()
            if count and comparable and now == through:
                count += 1
                continue
            if count:
                yield first, count
            first, through, count = here, now, 1
        if count:
            yield first, count

    def _stage(self, stage: ResolvedStage) -> None:
        for buffer in stage.allocates:
            ring = self._written[buffer]
            if len(ring) > 1:
                ring.append(ring.pop(0))
                ring = self._read[buffer]
                ring.append(ring.pop(0))
        self._body(stage.steps)

    def _steps_of(self, repeat: Repeat, full: int, tail: bool) -> None:
        """Walks `full` full steps, then the shorter one if there is one, their stages interleaved."""
        ahead = len(repeat.full) - 1
        total = full + tail
        if repeat.loop.joined:
            self._joined(repeat, full, tail)
            return
        if not ahead:
            (stage,) = repeat.full
            self._some(repeat, full, lambda: self._stage(stage))
            if tail and repeat.tail is not None:
                self._stage(repeat.tail[0])
            return
        turns = turn_count(total, len(repeat.full))
        for turn in range(min(ahead, turns)):
            self._turn(repeat, turn, full, total)
        if full > ahead:
            self._some(repeat, full - ahead, lambda: self._turn(repeat, ahead, full, total))
        for turn in range(max(ahead, full), turns):
            self._turn(repeat, turn, full, total)
        for stage in repeat.full:
            for buffer in stage.allocates:
                self._which[buffer] = -1

    def _joined(self, repeat: Repeat, full: int, tail: bool) -> None:
        """Walks `full` full steps, then the shorter one if there is one, the loop inside without a pause between them."""
        joined, (stage,) = Joined(self), repeat.full
        self._some(repeat, full, lambda: joined.step(stage), joined)
        if tail and repeat.tail is not None:
            joined.step(repeat.tail[0])
        joined.finish()

    def _turn(self, repeat: Repeat, turn: int, full: int, total: int) -> None:
        """Walks the first stage of step `turn`, the second stage of the step before it, and so on."""
        for step, number in in_turn(turn, total, len(repeat.full)):
            stages = repeat.full if step < full else repeat.tail
            assert stages is not None
            for earlier in range(number):
                newest = min(turn - earlier, total - 1)
                for buffer in stages[earlier].allocates:
                    self._which[buffer] = step - newest - 1
            for buffer in stages[number].allocates:
                self._which[buffer] = -1
            self._stage(stages[number])

    def _some(self, repeat: Repeat, count: int, once: Callable[[], None], joined: Joined | None = None) -> None:
        """Walks `count` equal turns of a loop, and jumps as soon as the clocks repeat, with what is in flight in a joined one."""
        seen: dict[tuple[object, ...], tuple[int, int]] = {}
        charges: list[list[int]] = []
        done = 0
        watch = self._jump and count > 3
        while done < count:
            once()
            done += 1
            if not watch:
                continue
            base, clocks = self._pattern(repeat.touched)
            pattern = (clocks, joined.shape) if joined else clocks
            charges.append(self._charged(repeat.touched))
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
        """Skips `steps` steps, which are `jumps` periods and take `shift` femtoseconds together."""
        self._shift(repeat.touched, shift, charges, jumps)

    def _charged(self, touched: Touched) -> list[int]:
        """What a period adds to: the clocks of queues that are only held up, and how long queues have worked."""
        return [self._free[queue] for queue in touched.charged] + [self.worked[each.queue] for each in self.governed]

    def _pattern(self, touched: Touched) -> tuple[int, tuple[int, ...]]:
        """The first clock that the loop changes, and all of them as differences to it."""
        clocks = [self._free[queue] for queue in touched.queues]
        for buffer in touched.rings:
            clocks += self._written[buffer]
            clocks += self._read[buffer]
        for buffer, queues in touched.unread:
            # A read that every writer's queue is past delays nothing, whenever it was.
            past = min((self._free[queue] for queue in queues), default=0)
            clocks += self._written[buffer]
            clocks += [max(clock, past) for clock in self._read[buffer]]
        for buffer in touched.written:
            clocks.append(self._written[buffer][self._which[buffer]])
        for buffer in touched.released:
            clocks.append(self._read[buffer][self._which[buffer]])
        for buffer, _ in touched.read:
            clocks.append(self._read[buffer][self._which[buffer]])
        base = clocks[0]
        return base, tuple([clock - base for clock in clocks])

    def _decided(self, touched: Touched) -> bool:
        """Whether the clocks that the loop only reads can delay no instruction any more: every queue that waits is past them."""
        return all(
            clocks[buffer][self._which[buffer]] <= self._free[queue]
            for clocks, looked_at in ((self._written, touched.read), (self._read, touched.waiting))
            for buffer, queues in looked_at
            for queue in queues
        )

    def _shift(self, touched: Touched, shift: int, charges: list[int], jumps: int) -> None:
        """Changes the clocks as `jumps` more periods would: by `shift`, and held-up queues by what a period adds to them."""
        for queue in touched.queues:
            self._free[queue] += shift
        held_up = [(self._free, queue) for queue in touched.charged] + [(self.worked, each.queue) for each in self.governed]
        for (sums, queue), before in zip(held_up, charges, strict=True):
            sums[queue] += (sums[queue] - before) * jumps
        for buffer, _ in touched.unread:
            self._written[buffer] = [clock + shift for clock in self._written[buffer]]
        for buffer in touched.rings:
            self._written[buffer] = [clock + shift for clock in self._written[buffer]]
            self._read[buffer] = [clock + shift for clock in self._read[buffer]]
        for buffer in touched.written:
            self._written[buffer][self._which[buffer]] += shift
        for buffer in touched.released:
            self._read[buffer][self._which[buffer]] += shift
        for buffer, _ in touched.read:
            self._read[buffer][self._which[buffer]] += shift


def _positions(repeat: Repeat, cores: int) -> Iterator[tuple[int, int]]:
    """The positions of the steps of the core that has the last one, the longest under a guard."""
    first = (-(-repeat.extent // repeat.tile) - 1) % cores
    for start in range(first * repeat.tile, repeat.extent, cores * repeat.tile):
        yield start, min(repeat.extent, start + repeat.tile)
