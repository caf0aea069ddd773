"""Records a walk: every instruction that is walked, with its times and what it waited for, and every jump.

Of a long run, the first part, some periods and the last part are recorded: the walk jumps as soon as a loop repeats, over steps
that are like those before. The times after a jump are the true ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from ..engine_program import Buffer, EngineProgram, Instruction
from ..time.resolving import Leaf, Repeat, ResolvedStage
from ..time.timing import Walk

Cause = Literal["launch", "engine", "held up", "input", "slot"]
"""What an instruction waited for last: nothing; its engine's earlier work; another queue that shares hardware with its own; an
input; or the slot that it writes."""


@dataclass(slots=True, eq=False)
class Event:
    """An instruction that was walked. Times are in femtoseconds from the launch."""

    instruction: Instruction
    start: int
    end: int
    """When its engine is free again."""
    ready: int
    """When its result can be used: a transfer's latency after `end`."""
    cause: Cause
    buffer: Buffer | None
    """The buffer that it waited for, where `cause` is `input` or `slot`."""
    before: Event | None
    """The event whose end it waited for. If that one was skipped by a jump: the last walked one that is like it."""
    inputs: tuple[tuple[Buffer, Source], ...]
    place: int
    """How many events were walked before it."""

    @property
    def waited_until(self) -> int:
        """The end of the event that it waited for, as that was walked. With a jump between, this is earlier than its start."""
        if self.before is None:
            return self.start
        return self.before.ready if self.cause in ("input", "slot") else self.before.end


@dataclass(slots=True, eq=False)
class Source:
    """The producer of an instance's contents: a queue, and the end of the instruction in it."""

    queue: str
    end: int


@dataclass(slots=True, eq=False)
class Instance:
    """One use of a buffer's slot."""

    buffer: Buffer
    first: int | None = None
    """When its first writer begins."""
    last: int = 0
    """When its last reader or writer ends."""
    writer: Event | None = None
    reader: Event | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Jump:
    """Steps of a loop that were not walked, because they are like those before."""

    loop: str
    steps: int
    stretches: tuple[tuple[str, int, int], ...]
    """A queue, and from when to when it is at these steps."""
    place: int
    """How many events had been walked."""
    period: int
    """Femtoseconds after which the steps repeat."""


@dataclass(slots=True)
class Record:
    """A recorded walk."""

    latency: int = 0
    events: list[Event] = field(default_factory=list)
    jumps: list[Jump] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    queues: tuple[str, ...] = ()
    """In the order in which they are shown."""

    def critical_path(self) -> Iterator[Event]:
        """From the event that ends last, back from each event to the one that it waited for."""
        event = max(self.events, key=lambda each: each.ready, default=None)
        while event is not None:
            yield event
            event = event.before


def _in_order(program: EngineProgram, queues: Iterable[str]) -> tuple[str, ...]:
    """Queues by their engine, as the family orders them, then by name."""
    engines = [engine.name for engine in program.family.engines(program.chip)]
    return tuple(sorted(queues, key=lambda queue: (engines.index(queue.partition(".")[0]), queue)))


def record(program: EngineProgram) -> Record:
    """Walks a program and keeps what is walked."""
    return Recording(program).recorded()


class Recording(Walk):
    """A walk that records. It changes the clocks as every walk does, and reads them before."""

    after = 1
    least = 4

    def __init__(self, program: EngineProgram) -> None:
        super().__init__(program)
        self._names = tuple(dict.fromkeys(node.queue for _, node in program.structure.instructions()))
        self._buffers = program.structure.buffers
        self._rings = [[Instance(buffer) for _ in range(program.slots(buffer))] for buffer in self._buffers]
        self._holder: list[Event | None] = [None for _ in self._names]
        self._seen = Record(
            queues=_in_order(program, self._names), instances=[instance for ring in self._rings for instance in ring]
        )

    def recorded(self) -> Record:
        """Walks the program and returns the record."""
        self._seen.latency = self.run()
        return self._seen

    def _stage(self, stage: ResolvedStage) -> None:
        for buffer in stage.allocates:
            ring = self._rings[buffer]
            old = ring.pop(0)
            # The instance is new, but its first writer waits for the last reader of the old contents.
            new = Instance(old.buffer, writer=old.writer, reader=old.reader)
            ring.append(new)
            self._seen.instances.append(new)
        super()._stage(stage)

    def _leaf(self, leaf: Leaf) -> None:
        start, cause, buffer, before = self._cause(leaf)
        held = [self._free[other] for other in leaf.shared]
        super()._leaf(leaf)
        end = self._free[leaf.queue]
        reads = [self._instance(each) for each in leaf.reads]
        inputs = tuple((each.buffer, each.source) for each in reads if each.source is not None)
        event = Event(
            leaf.instruction,
            start,
            end,
            end + leaf.latency_fs,
            cause,
            buffer,
            before,
            inputs,
            len(self._seen.events),
        )
        self._seen.events.append(event)
        self._holder[leaf.queue] = event
        for other, was in zip(leaf.shared, held, strict=True):
            if self._free[other] > was:
                self._holder[other] = event
        if leaf.barrier:
            self._holder = [event for _ in self._holder]
        for each in reads:
            each.last = max(each.last, event.ready)
            if each.reader is None or event.ready >= each.reader.ready:
                each.reader = event
        for place in leaf.writes:
            each = self._instance(place)
            each.first = event.start if each.first is None else each.first
            each.last = max(each.last, event.ready)
            each.writer, each.source = event, Source(self._names[leaf.queue], end)

    def _instance(self, buffer: int) -> Instance:
        return self._rings[buffer][self._which[buffer]]

    def _cause(self, leaf: Leaf) -> tuple[int, Cause, Buffer | None, Event | None]:
        """When the instruction about to be walked starts, and what it waits for: the latest clock that it must not precede."""
        if leaf.barrier:
            last = max(self._seen.events, key=lambda each: each.ready)
            return self._all_done(), "input", None, last
        holder = self._holder[leaf.queue]
        own = holder is None or holder.instruction.queue == self._names[leaf.queue]
        latest = self._free[leaf.queue]
        cause: Cause = "launch" if holder is None else "engine" if own else "held up"
        found: tuple[Cause, Buffer | None, Event | None] = (cause, None, holder)
        for place in leaf.reads:
            instance, clock = self._instance(place), self._written[place][self._which[place]]
            if clock > latest:
                latest, found = clock, ("input", instance.buffer, instance.writer)
        for place in leaf.writes:
            instance = self._instance(place)
            clocks = [(self._read[place][self._which[place]], instance.reader)]
            if place in leaf.awaited:
                clocks.append((self._written[place][self._which[place]], instance.writer))
            for clock, event in clocks:
                if clock > latest:
                    latest, found = clock, ("slot", instance.buffer, event)
        return latest, *found

    def _leap(self, repeat: Repeat, steps: int, shift: int, charges: list[int], jumps: int) -> None:
        moved, seen = repeat.touched, self._seen
        before = [self._free[queue] for queue in moved.queues]
        super()._leap(repeat, steps, shift, charges, jumps)
        stretches = [(self._names[queue], start, self._free[queue]) for queue, start in zip(moved.queues, before, strict=True)]
        seen.jumps.append(Jump(repeat.loop.axis.name, steps, tuple(stretches), len(seen.events), shift // jumps))
        for buffer in (*moved.rings, *(each for each, _ in moved.unread)):
            for instance in self._rings[buffer]:
                self._move(instance, shift)
        for buffer in moved.written:
            self._move(self._instance(buffer), shift)
        for buffer, _ in moved.read:
            self._instance(buffer).last += shift

    def _move(self, instance: Instance, shift: int) -> None:
        """Lets an instance stand for the one like it after a jump: its slot stays in use between the two."""
        if instance.last:
            instance.last += shift
        if instance.source is not None:
            queue = instance.source.queue
            instance.source = Source(queue, self._free[self._names.index(queue)])
