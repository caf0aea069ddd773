"""Another order of the same work: what a chip with several engines, or several cores, may make of a program.

Steps of parallel loops come in any order. Within a body, an instruction may come before another one if they wait in different
queues and neither writes what the other touches; a loop counts as all its instructions. A program whose answer depends on more
than that has a race.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from .program import Buffer, Clear, Instruction, Loop, Node, Transfer


@dataclass(frozen=True, slots=True)
class Touched:
    """What a piece of work depends on and changes."""

    reads: frozenset[object]
    writes: frozenset[object]
    queues: frozenset[str]

    def bars(self, other: Touched) -> bool:
        """Whether the one that comes first in the text has to stay first."""
        conflict = self.writes & (other.reads | other.writes) or self.reads & other.writes
        return bool(conflict or self.queues & other.queues)


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


def _touched(node: Node) -> Touched:
    if isinstance(node, Instruction):
        reads: set[object] = {*node.reads}
        writes: set[object] = {*node.writes}
        if isinstance(node.action, Clear) or (isinstance(node.action, Transfer) and node.action.store):
            writes.add(node.action.tensor and node.action.tensor.name)
        return Touched(frozenset(reads), frozenset(writes), frozenset({node.queue}))
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
