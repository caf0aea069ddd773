"""Random orders of a program's instructions, of those that a chip with several engines or cores may execute.

Steps of parallel loops come in any order. An instruction may come before another one, of its own step or of an earlier step, if
they wait in different queues and neither writes what the other touches; a loop counts as all its instructions. So loads run ahead
as far as there are slots to load to, engines run apart, and the stages of a pipelined loop come in any order that their values
allow. A program whose answer depends on more than that has a race.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..engine_program import Barrier, Buffer, Clear, Instruction, Loop, Node, Transfer
from ..stage_order import in_order


@dataclass(frozen=True, slots=True)
class Touched:
    """The buffers and tensors that an instruction or loop reads and writes, and its queues."""

    reads: frozenset[object]
    writes: frozenset[object]
    queues: frozenset[str]
    everything: bool = False
    """True for a barrier."""

    def bars(self, other: Touched) -> bool:
        """Whether the two must keep their order."""
        conflict = self.writes & (other.reads | other.writes) or self.reads & other.writes
        return bool(conflict or self.queues & other.queues or self.everything or other.everything)


def shuffled(body: Sequence[Node], rng: random.Random) -> list[Node]:
    """The nodes of a body in a random one of the orders that their dependences allow."""
    touched = [_touched(each) for each in body]
    waiting = list(range(len(body)))
    order: list[Node] = []
    while waiting:
        ready = [each for each in waiting if not any(touched[before].bars(touched[each]) for before in waiting if before < each)]
        chosen = rng.choice(ready)
        waiting.remove(chosen)
        order.append(body[chosen])
    return order


AHEAD = 24
"""How many pieces of work the next one is chosen from."""


def interleaved(loop: Loop, steps: int, slots: Callable[[Buffer], int], rng: random.Random) -> Iterator[tuple[int, Node]]:
    """The nodes of all steps of a loop, each with its step's number, in a random order that the dependences allow.

    Each step has its own instances of the buffers that the loop gives out; one that has `slots(buffer)` of them waits with the
    step that takes an instance over until the step that had it is through with it.
    """
    local = {buffer: slots(buffer) for buffer in loop.allocates}
    waiting: list[_Piece] = []
    for step, node in _in_order(loop, steps):
        waiting.append(_piece(step, node, local))
        if len(waiting) >= AHEAD:
            yield _drawn(waiting, rng)
    while waiting:
        yield _drawn(waiting, rng)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A node in one step."""

    step: int
    node: Node
    touched: Touched
    """What it reads and writes; the step's own instances of buffers count as different from other steps'."""
    slots: frozenset[object]
    """The slots of its instances."""

    def bars(self, other: _Piece) -> bool:
        return self.touched.bars(other.touched) or bool(self.step != other.step and self.slots & other.slots)


def _piece(step: int, node: Node, local: Mapping[Buffer, int]) -> _Piece:
    touched = _touched(node)

    def named(things: frozenset[object]) -> frozenset[object]:
        return frozenset((each, step) if each in local else each for each in things)

    mine = [each for each in local if each in touched.reads or each in touched.writes]
    slots = frozenset[object]((each, step % local[each]) for each in mine)
    return _Piece(step, node, Touched(named(touched.reads), named(touched.writes), touched.queues), slots)


def _in_order(loop: Loop, steps: int) -> Iterator[tuple[int, Node]]:
    """The order of the program: in each turn the stages of the steps in flight."""
    for step, number in in_order(steps, len(loop.stages)):
        yield from ((step, node) for node in loop.stages[number].body)


def _drawn(waiting: list[_Piece], rng: random.Random) -> tuple[int, Node]:
    ready = [place for place, one in enumerate(waiting) if not any(before.bars(one) for before in waiting[:place])]
    drawn = waiting.pop(rng.choice(ready))
    return drawn.step, drawn.node


def _touched(node: Node) -> Touched:
    if isinstance(node, Instruction):
        reads: set[object] = {*node.reads_from}
        writes: set[object] = {*node.writes_to}
        if isinstance(node.action, Clear) or (isinstance(node.action, Transfer) and node.action.store):
            writes.add(node.action.tensor and node.action.tensor.name)
        return Touched(frozenset(reads), frozenset(writes), frozenset({node.queue}), isinstance(node.action, Barrier))
    inner = [_touched(each) for each in node.body]
    allocated: frozenset[Buffer] = frozenset(node.allocates)
    return Touched(
        frozenset[object]().union(*(each.reads for each in inner)),
        frozenset[object](allocated).union(*(each.writes for each in inner)),
        frozenset[str]().union(*(each.queues for each in inner)),
    )


def shuffled_steps(loop: Loop, steps: list[tuple[int, int]], rng: random.Random) -> list[tuple[int, int]]:
    """The steps of a loop, in any order if they are independent of each other."""
    if loop.parallel:
        rng.shuffle(steps)
    return steps
