"""A lower and an upper bound on the latency in closed form, for one configuration or for arrays of them.

Lower bound: the busiest engine's work, plus what must come before it and what must follow. An engine cannot begin before the
data of its first instruction has arrived: the shortest chain of instructions that leads to any of its instructions. After its
last instruction the result still has to reach device memory: the shortest chain that follows any of them. A chain follows the
program's order, in which a consumer comes after its producer. A guard may skip instructions, so a chain outside of the guard
does not count on them. Where barriers part the program, nothing of one part overlaps with another: their bounds add up.
Upper bound: all instructions one after the other, as slow as their engines get.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..engine_program import Buffer, Instruction, Loop, Structure, instructions
from ..family import Queue
from ..numbers import Number
from ..segments import parted
from .totals import Totals


def lower_bound_s(structure: Structure, dims: Mapping[str, int], tiles: Mapping[str, Number]) -> Number:
    """The lower bound in seconds, for one configuration's tile sizes or for arrays of them, and any numbers of slots."""
    busy: dict[str, Number] = {}
    work: dict[Instruction, Number] = {}
    least: dict[Instruction, Number] = {}
    totals, family = Totals(structure, dims, tiles), structure.family
    for node, times, extents in totals.executed():
        seconds = np.asarray(family.duration_s(node, extents, totals.setting), float)
        busy[node.engine] = busy.get(node.engine, 0.0) + times * seconds
        work[node] = work.get(node, 0.0) + times * seconds
        executed = np.where(np.asarray(times) > 0, seconds, np.inf)
        least[node] = np.minimum(least[node], executed) if node in least else executed
    used = _queues(structure, least)
    for engine in busy:
        # At least one of its queues has to warm up, whichever instructions are executed.
        busy[engine] = busy[engine] + min(each.warm_up_ns for each in used.values() if each.engine == engine) * 1e-9
    before, after = _chains(structure, least, used)
    bounds = [whole + _least(before, least, engine) + _least(after, least, engine) for engine, whole in busy.items()]
    bounds += _one_after_the_other(structure, work)
    return np.maximum.reduce(np.broadcast_arrays(*(np.asarray(each, float) for each in bounds)))


def _one_after_the_other(structure: Structure, work: Mapping[Instruction, Number]) -> list[Number]:
    """Where barriers part a program: the busiest engine's work of each part, added up; nothing where none does."""
    parts = parted(structure)
    if len(parts) == 1:
        return []
    total: Number = 0.0
    for part in parts:
        busy: dict[str, Number] = {}
        for _, node in instructions(part):
            busy[node.engine] = busy.get(node.engine, 0.0) + work.get(node, 0.0)
        total = total + np.maximum.reduce(np.broadcast_arrays(*(np.asarray(each, float) for each in busy.values() or (0.0,))))
    return [total]


def upper_bound_s(structure: Structure, dims: Mapping[str, int], tiles: Mapping[str, Number]) -> Number:
    """The upper bound in seconds: all instructions one after the other, each waiting for the result of the one before."""
    totals, family = Totals(structure, dims, tiles), structure.family
    used = _queues(structure, [node for _, node in structure.instructions()]).values()
    starts_ns, warm_up_ns = max((each.starts_ns for each in used), default=0.0), sum(each.warm_up_ns for each in used)
    total: Number = (starts_ns + warm_up_ns) * 1e-9
    for node, times, extents in totals.executed():
        total = total + times * (family.duration_s(node, extents, totals.setting) + family.latency_s(node, structure.chip))
    return total


def _queues(structure: Structure, nodes: Iterable[Instruction]) -> dict[str, Queue]:
    """The queues that some instructions wait in, by name."""
    names = tuple(dict.fromkeys(node.queue for node in nodes))
    return dict(zip(names, structure.family.queues(structure.chip, names), strict=True))


Chains = dict[Instruction, Number]
"""Seconds from the launch to an instruction's start, or from its end to the end of all."""


def _least(chains: Chains, executed: Mapping[Instruction, Number], engine: str) -> Number:
    """The shortest chain before or after any of an engine's instructions, of those that are executed at these tile sizes."""
    ways = [np.where(np.isfinite(executed[node]), chain, np.inf) for node, chain in chains.items() if node.engine == engine]
    return np.minimum.reduce(np.broadcast_arrays(*ways))


def _chains(structure: Structure, least: Mapping[Instruction, Number], queues: Mapping[str, Queue]) -> tuple[Chains, Chains]:
    """For every instruction the longest chains before and after it. Each instruction in a chain counts its shortest duration."""
    places = [(loops, node) for loops, node in structure.instructions() if node in least]
    latencies = {node: structure.family.latency_s(node, structure.chip) for _, node in places}
    producers = _producers([node for _, node in places])
    consumers: list[list[int]] = [[] for _ in places]
    before: Chains = {}
    for number, (loops, node) in enumerate(places):
        start: Number = queues[node.queue].starts_ns * 1e-9
        for each in producers[number]:
            consumers[each].append(number)
            outer, producer = places[each]
            if _certain(outer, loops):
                start = np.maximum(start, before[producer] + _finite(least[producer]) + latencies[producer])
        before[node] = start
    after: Chains = {}
    for number, (loops, node) in reversed(list(enumerate(places))):
        rest: Number = 0.0
        for outer, consumer in (places[each] for each in consumers[number]):
            if _certain(outer, loops):
                rest = np.maximum(rest, _finite(least[consumer]) + after[consumer])
        after[node] = rest + latencies[node]
    return before, after


def _finite(seconds: Number) -> Number:
    """The seconds; 0 where an instruction is not executed at all."""
    return np.where(np.isfinite(seconds), seconds, 0.0)


def _producers(nodes: Sequence[Instruction]) -> list[list[int]]:
    """For every instruction the places of those before it that write what it reads."""
    found: list[list[int]] = []
    written: dict[Buffer, list[int]] = {}
    for number, node in enumerate(nodes):
        found.append(sorted({each for buffer in node.reads_from for each in written.get(buffer, ())}))
        for buffer in dict.fromkeys(node.writes_to):
            written.setdefault(buffer, []).append(number)
    return found


def _certain(loops: tuple[Loop, ...], seen_from: tuple[Loop, ...]) -> bool:
    """Whether an instruction inside `loops` is always executed if one inside `seen_from` is: no guard skips the first alone."""
    return all(loop.guard is None or loop in seen_from for loop in loops)
