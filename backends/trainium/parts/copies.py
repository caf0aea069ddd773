"""Tiles of unrolled steps: each has a buffer of its own up to a number, and later ones lie where nothing is read any more.

for z in 0..16:
    y += exp(x[z, m])     16 tiles of exp in three buffers: the fourth takes the first one's place
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from tilery.backends.machine.engine_program import Buffer

from ..lowering.builder import Builder
from .aliases import others_in

OWN = 3
"""So many tiles of one name have buffers of their own: as with three slots, hardly anything waits for a free one."""


def copy_of(builder: Builder, key: tuple[object, ...], reads: Collection[Buffer], make: Callable[[], Buffer]) -> Buffer:
    """A buffer for another tile like those of `key`: a new one, or that of one in the step that nothing reads any more.

    `reads`: what the instruction that writes it reads.
    """
    copies = builder.copies.setdefault((builder.frames[-1], *key), [])
    busy = {each.storage for each in reads}
    free = next((each for each in copies if each not in busy and not others_in(builder, each)), None)
    if free is None or len(copies) < OWN:
        copies.append(make())
        return copies[-1]
    copies.remove(free)
    copies.append(free)
    _forget_loads(builder, free)
    return free


def _forget_loads(builder: Builder, buffer: Buffer) -> None:
    """What was loaded there is no longer there for an equal load to share."""
    gone = [key for key, (_, value) in builder.loaded.items() if builder.home.get(value) is buffer]
    for key in gone:
        del builder.loaded[key]
