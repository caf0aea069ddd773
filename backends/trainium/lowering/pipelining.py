"""Software pipelining: where to cut a loop's body into stages.

An engine runs in order. If its second piece of work in a step waits for another engine that waited for its first piece, the
engine idles meanwhile, though the next step's first piece is ready:

    vector  max(0) .......... mul(0) max(1) .......... mul(1)        one stage
    scalar         exp(0)                   exp(1)

    vector  max(0) max(1) mul(0) max(2) mul(1)                       cut before mul
    scalar         exp(0) exp(1)

So a body is cut before every node that returns to an engine of the stage and depends on it by way of another engine. No cut may
separate nodes that update something that outlives the step (a carried tile, a sum): these keep the program's order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from tilery.backends.machine.engine_program import Buffer, Instruction, Loop, Node, Stage


def cuts(body: Sequence[Node], allocates: Sequence[Buffer]) -> tuple[int, ...]:
    """Places in the body where beginning another stage pays, in order."""
    legal = legal_cuts(body, allocates)
    used = [engines(node) for node in body]
    found: list[int] = []
    begin = 0
    for place in range(len(body)):
        if not _goes_back(body, used, begin, place):
            continue
        allowed = [each for each in legal if begin < each <= place]
        if allowed:
            begin = allowed[-1]
            found.append(begin)
    return tuple(found)


def legal_cuts(body: Sequence[Node], allocates: Sequence[Buffer]) -> list[int]:
    """Places that do not separate two nodes that use the same buffer of an outer loop, if one of them writes it."""
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    changed: set[Buffer] = set()
    for place, node in enumerate(body):
        for buffer in (*node.reads_from, *node.writes_to):
            first.setdefault(buffer, place)
            last[buffer] = place
        changed.update(node.writes_to)
    barred: set[int] = set()
    for buffer in changed.difference(allocates, inner_buffers(body)):
        barred.update(range(first[buffer] + 1, last[buffer] + 1))
    return [place for place in range(1, len(body)) if place not in barred]


def staged(body: Sequence[Node], allocates: Sequence[Buffer], begins: Iterable[int]) -> tuple[Stage, ...]:
    """The body cut at `begins`. The first stage that uses a buffer takes the new instance."""
    places = [0, *begins, len(body)]
    parts = [tuple(body[start:stop]) for start, stop in itertools.pairwise(places)]
    waiting, stages = list(allocates), []
    for part in parts:
        here = _touched(part)
        stages.append(Stage(tuple(buffer for buffer in waiting if buffer in here), part))
        waiting = [buffer for buffer in waiting if buffer not in here]
    return tuple(stages)


def spread(places: Sequence[int], count: int) -> tuple[int, ...]:
    """`count` of the places, evenly."""
    return tuple(places[(2 * number + 1) * len(places) // (2 * count)] for number in range(count))


def lags(body: Iterable[Node]) -> dict[Buffer, int]:
    """For each buffer of a pipelined loop: how many stages later than the one that takes its instance still use it."""
    found: dict[Buffer, int] = {}
    for node in body:
        if isinstance(node, Loop):
            found |= lags(node.body)
            touched = [_touched(stage.body) for stage in node.stages]
            for first, stage in enumerate(node.stages):
                for buffer in stage.allocates:
                    last = max(place for place, each in enumerate(touched) if buffer in each)
                    if last > first:
                        found[buffer] = last - first
    return found


def _touched(body: Iterable[Node]) -> set[Buffer]:
    found: set[Buffer] = set()
    for node in body:
        found.update(node.reads_from, node.writes_to)
    return found


def _goes_back(body: Sequence[Node], used: Sequence[frozenset[str]], begin: int, place: int) -> bool:
    """Whether the node at `place` depends, by way of another engine, on work that one of its own engines does from `begin` on.

    `used`: the engines of every node.
    """
    mine = used[place]
    wanted = {*body[place].reads_from, *body[place].writes_to}
    others: set[Buffer] = set()
    for number in reversed(range(begin, place)):
        earlier, theirs = body[number], used[number]
        for_others = not others.isdisjoint(earlier.writes_to)
        if not for_others and wanted.isdisjoint(earlier.writes_to):
            continue
        if for_others and theirs & mine:
            return True
        if theirs != mine or len(theirs) > 1:
            others.update(earlier.reads_from, earlier.writes_to)
        wanted.update(earlier.reads_from)
    return False


def engines(node: Node) -> frozenset[str]:
    """The engines that a node uses, without the DMA engines, whose transfers have queues of their own."""
    if isinstance(node, Instruction):
        return frozenset() if node.engine == "dma" else frozenset((node.engine,))
    return frozenset[str]().union(*(engines(each) for each in node.body))


def inner_buffers(body: Iterable[Node]) -> frozenset[Buffer]:
    """Buffers of which loops inside the body take instances."""
    loops = [node for node in body if isinstance(node, Loop)]
    return frozenset[Buffer]().union(*(inner_buffers(loop.body).union(loop.allocates) for loop in loops))
