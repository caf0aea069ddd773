"""Software pipelining: where to cut a loop's body into stages.

An engine runs in order. If its second piece of work in a step waits for another engine that waited for its first piece, the
engine idles meanwhile, though the next step's first piece is ready:

    vector  max(0) .......... mul(0) max(1) .......... mul(1)        one stage
    scalar         exp(0)                   exp(1)

    vector  max(0) max(1) mul(0) max(2) mul(1)                       cut before mul
    scalar         exp(0) exp(1)

An engine waits for another's queue as well as for its values:

    vector  max(1) .................... add(0) max(2)                add waits for the product, which waits
    scalar         exp(1) copy(0)                                    for the copy, which comes after exp
    tensor                        product(0)

So a body is cut before every node that waits for an engine of its own by way of another one, through values of its stage and
through queues of the whole turn. No cut may separate nodes that update something that outlives the step (a carried tile, a sum):
these keep the program's order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from tilery.backends.machine.engine_program import Buffer, Instruction, Loop, Node, Stage


def cuts(body: Sequence[Node], allocates: Sequence[Buffer]) -> tuple[int, ...]:
    """Places in the body where beginning another stage pays, in order."""
    legal = legal_cuts(body, allocates)
    used = [engines(node) for node in body]
    before: list[frozenset[str]] = []  # the engines whose work in this turn has to be done before a node is
    queued: dict[str, frozenset[str]] = {}  # of each engine, those of its last node
    found: list[int] = []
    begin = 0
    for place, node in enumerate(body):
        awaited = [each for each in range(begin, place) if _awaits(node, body[each])]
        allowed = [each for each in legal if begin < each <= place]
        parted = [each for each in awaited if allowed and each < allowed[-1]]
        if any(used[place] & _ways(before[each], used[each], used[place]) for each in parted):
            begin = allowed[-1]
            found.append(begin)
            awaited = [each for each in awaited if each >= begin]
        first = frozenset[str]().union(*(queued.get(engine, frozenset()) for engine in used[place]))
        before.append(first.union(*(before[each] | used[each] for each in awaited)))
        queued |= dict.fromkeys(used[place], before[place] | used[place])
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


def may_join(body: Sequence[Node], allocates: Sequence[Buffer]) -> bool:
    """Whether the steps of a loop may be joined: its one loop inside has stages, and steps leave nothing to each other."""
    loops = [node for node in body if isinstance(node, Loop) and node.limit is None]
    if len(loops) != 1 or len(loops[0].stages) == 1:
        return False
    own = {*allocates, *inner_buffers(body)}
    return all(buffer in own for node in body for buffer in node.writes_to)


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
            if node.joined:
                found |= dict.fromkeys(_overlapping(node), 1)
    return found


def _overlapping(loop: Loop) -> set[Buffer]:
    """The buffers of a joined loop's step that are still used when the next step has begun."""
    _, inner, after = loop.parts
    late = _touched(after).union(*(_touched(stage.body) for stage in inner.stages[1:]))
    return late.intersection(loop.allocates)


def _touched(body: Iterable[Node]) -> set[Buffer]:
    found: set[Buffer] = set()
    for node in body:
        found.update(node.reads_from, node.writes_to)
    return found


def _awaits(node: Node, earlier: Node) -> bool:
    """Whether `node` waits for `earlier`, because it reads or overwrites what that writes, or overwrites what it reads."""
    written = {*node.writes_to}
    return not written.isdisjoint(earlier.reads_from) or not written.union(node.reads_from).isdisjoint(earlier.writes_to)


def _ways(before: frozenset[str], theirs: frozenset[str], mine: frozenset[str]) -> frozenset[str]:
    """The engines that a node of the engines `mine` waits for through one of the engines `theirs`, which waits for `before`."""
    if len(theirs) > 1:
        return theirs | before
    return frozenset() if theirs == mine else before


def engines(node: Node) -> frozenset[str]:
    """The engines that a node uses, without the DMA engines, whose transfers have queues of their own."""
    if isinstance(node, Instruction):
        return frozenset() if node.engine == "dma" else frozenset((node.engine,))
    return frozenset[str]().union(*(engines(each) for each in node.body))


def inner_buffers(body: Iterable[Node]) -> frozenset[Buffer]:
    """Buffers of which loops inside the body take instances."""
    loops = [node for node in body if isinstance(node, Loop)]
    return frozenset[Buffer]().union(*(inner_buffers(loop.body).union(loop.allocates) for loop in loops))
