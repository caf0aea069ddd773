"""The definition of the timing, written plainly, and the events it runs over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tilery.backends.machine.engine_program import Buffer, EngineProgram, Instruction, Loop, Node
from tilery.backends.machine.time.dealing import cores_of
from tilery.backends.machine.time.guards import Guards, inner_guard_axes
from tilery.backends.machine.time.resolving import FS_PER_S
from tilery.backends.trainium.chip_tables import TrainiumChip, trainium
from tilery.backends.trainium.cost import duration_s, latency_s

Event = tuple[Instruction, dict[str, int], dict[Buffer, int]]
"""An instruction, the extents it stands at, and which instance of each buffer it means, counted from the first."""


def events(program: EngineProgram) -> Iterator[Event]:
    """Every instruction in program order, unrolled."""
    guards = Guards(program)
    given_out: dict[Buffer, int] = dict.fromkeys(program.structure.buffers, -1)

    def new(buffers: tuple[Buffer, ...]) -> dict[Buffer, int]:
        for buffer in buffers:
            given_out[buffer] += 1
        return {buffer: given_out[buffer] for buffer in buffers}

    def body(nodes: tuple[Node, ...], ranges: dict[str, tuple[int, int]], instances: dict[Buffer, int]) -> Iterator[Event]:
        for node in nodes:
            if isinstance(node, Instruction):
                yield node, {name: stop - start for name, (start, stop) in ranges.items()}, instances
            else:
                yield from steps(node, ranges, instances)

    def steps(loop: Loop, ranges: dict[str, tuple[int, int]], outer: dict[Buffer, int]) -> Iterator[Event]:
        pieces = covered(loop, ranges)
        if loop.joined:
            yield from joined(loop, pieces, ranges, outer)
            return
        own: list[dict[Buffer, int]] = [{} for _ in pieces]
        for turn in range(len(pieces) + len(loop.stages) - 1 if pieces else 0):
            for number, stage in enumerate(loop.stages):
                step = turn - number
                if 0 <= step < len(pieces):
                    own[step] |= new(stage.allocates)
                    yield from body(stage.body, {**ranges, loop.axis.name: pieces[step]}, {**outer, **own[step]})

    def joined(
        loop: Loop, pieces: list[tuple[int, int]], ranges: dict[str, tuple[int, int]], outer: dict[Buffer, int]
    ) -> Iterator[Event]:
        """Every step is begun when the one before the last is through; what is in flight moves on a stage a turn."""
        ((place, inner),) = ((at, each) for at, each in enumerate(loop.body) if isinstance(each, Loop) and each.limit is None)
        in_flight: list[list[Any]] = []  # number, ranges, instances, stage; the newest first
        unfinished: list[int] = []
        all_begun: set[int] = set()
        at: dict[int, tuple[dict[str, tuple[int, int]], dict[Buffer, int]]] = {}

        def turn() -> Iterator[Event]:
            for each in in_flight:
                _, where, held, stage = each
                held |= new(inner.stages[stage].allocates)
                yield from body(inner.stages[stage].body, where, held)
                each[3] += 1
            in_flight[:] = [each for each in in_flight if each[3] < len(inner.stages)]
            yield from ends()

        def ends() -> Iterator[Event]:
            while unfinished and unfinished[0] in all_begun and not any(each[0] == unfinished[0] for each in in_flight):
                yield from body(loop.body[place + 1 :], *at[unfinished.pop(0)])

        for number, piece in enumerate(pieces):
            while len(unfinished) > 1:
                yield from turn()
            here = {**ranges, loop.axis.name: piece}
            at[number] = here, {**outer, **new(loop.allocates)}
            yield from body(loop.body[:place], *at[number])
            unfinished.append(number)
            for inside in covered(inner, here):
                in_flight.insert(0, [number, {**here, inner.axis.name: inside}, dict(at[number][1]), 0])
                yield from turn()
            all_begun.add(number)
            yield from ends()
        while in_flight:
            yield from turn()

    def covered(loop: Loop, ranges: dict[str, tuple[int, int]]) -> list[tuple[int, int]]:
        name = loop.axis.name
        parent = name if loop.limit is not None else loop.axis.parent
        low, high = ranges[parent] if parent else (0, program.extent(loop.axis))
        size = loop.limit if loop.limit is not None else program.tile(loop.axis)
        pieces = [(start, min(high, start + size)) for start in range(low, high, size)]
        if loop.guard is not None:
            pieces = [pieces[step] for step in guards.steps(loop, ranges)]
        cores = cores_of(program, loop)
        if cores > 1:
            # The core with most to do: the first one; under a guard, the one that has the last step.
            looked_at = name in inner_guard_axes(loop.body)
            pieces = pieces[(len(pieces) - 1) % cores if looked_at else 0 :: cores]
        return pieces

    whole = {axis.name: (0, program.extent(axis)) for each in program.structure.buffers for axis in each.axes if axis.whole}
    yield from body(program.structure.body, whole, new(program.structure.allocates))


def held_up(node: Instruction, other: str, chip: TrainiumChip) -> bool:
    """True if another queue stands still while an instruction runs: transfers share the DMA engines, others a port."""
    if node.engine in ("dma", "tensor"):
        return node.engine == "dma" and other.startswith("dma.")
    return other in chip.engine(node.engine).holds_up


def event_run(program: EngineProgram) -> int:
    """The definition of the timing, written plainly: each instruction waits for its queue, its inputs and its slot."""
    queue: dict[str, int] = {}
    written: dict[tuple[Buffer, int], int] = {}
    read: dict[tuple[Buffer, int], int] = {}
    names = {node.queue for _, node in program.structure.instructions()}
    writers: dict[Buffer, set[str]] = defaultdict(set)
    for _, node in program.structure.instructions():
        for buffer in node.writes_to:
            writers[buffer].add(node.queue)
    end, cold, chip = 0, True, trainium(program.chip)

    def trigger(name: str) -> int:
        return round(chip.dma.trigger_ns * 1e-9 * FS_PER_S) if name.startswith("dma.") else 0

    for node, extents, instances in events(program):
        duration = round(duration_s(node, chip, extents, program.dims) * FS_PER_S)
        reads = [(buffer, instances[buffer] % program.slots(buffer)) for buffer in node.reads_from]
        writes = [(buffer, instances[buffer] % program.slots(buffer)) for buffer in node.writes_to]
        if node.engine == "tensor" and cold:
            duration, cold = duration + round(chip.tensor.warm_up_ns * 1e-9 * FS_PER_S), False
        shared = [slot for slot in writes if writers[slot[0]] != {node.queue}]
        waits = [queue.get(node.queue, trigger(node.queue)), *(written.get(slot, 0) for slot in reads + shared)]
        start = max(*waits, *(read.get(slot, 0) for slot in writes), 0)
        queue[node.queue] = start + duration
        for other in names - {node.queue}:
            if held_up(node, other, chip):
                queue[other] = queue.get(other, trigger(other)) + duration
        done = start + duration + round(latency_s(node, chip) * FS_PER_S)
        read |= {slot: max(done, read.get(slot, 0)) for slot in reads}
        written |= dict.fromkeys(writes, done)
        end = max(end, done)
    return end
