"""What is alive at once: barriers cut a program into segments, and memory that one segment has used is free in the next."""

from __future__ import annotations

from functools import lru_cache

from .engine_program import DEVICE, Barrier, Buffer, Instruction, Loop, Node, Structure


@lru_cache(maxsize=1024)
def segments(structure: Structure) -> tuple[tuple[Buffer, ...], ...]:
    """The on-chip buffers of each segment, in the structure's order; of a program without barriers all of them."""
    parts = parted(structure)
    here = [frozenset[Buffer]().union(*(_touched(node) for node in part)) for part in parts]
    found: list[tuple[Buffer, ...]] = []
    for number, mine in enumerate(here):
        # What is used before and after lives in between as well.
        before, after = frozenset[Buffer]().union(*here[:number]), frozenset[Buffer]().union(*here[number + 1 :])
        alive = mine | (before & after) if len(parts) > 1 else frozenset(structure.buffers)
        found.append(tuple(each for each in structure.buffers if each in alive and each.memory != DEVICE))
    return tuple(found)


def parted(structure: Structure) -> tuple[tuple[Node, ...], ...]:
    """What stands directly in a program, cut at its barriers."""
    parts: list[list[Node]] = [[]]
    for node in structure.body:
        if isinstance(node, Instruction) and isinstance(node.action, Barrier):
            parts.append([])
        else:
            parts[-1].append(node)
    return tuple(map(tuple, parts))


def _touched(node: Node) -> frozenset[Buffer]:
    if isinstance(node, Loop):
        return frozenset(node.allocates).union(*(_touched(each) for each in node.body))
    return frozenset((*node.reads_from, *node.writes_to))
