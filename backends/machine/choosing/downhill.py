"""A short descent: from a configuration to the nearest one that no single change makes faster.

Every tunable in turn tries the choices one step away; one that is faster is kept at once. A tile that does not fit is tried with
fewer slots, which are won back where there is room. Lower bounds would cost more than they save: of such neighbours a tenth is
ruled out. The number of timings is limited and no clock is read, so that the way is the same every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tilery.backends.tunable import Choice, Config, Tunable

FEWER = (2, 1)
"""How many slots of everything are tried where something does not fit."""


@dataclass(slots=True)
class Downhill:
    """Ways down over the tunables that are free, in their order."""

    space: tuple[Tunable, ...]
    free: tuple[Tunable, ...]
    latency: Callable[[Config], int | None]
    """The latency of a configuration in femtoseconds, if it fits."""
    left: int
    """How many configurations may still be timed, on all ways together. Most kernels arrive sooner."""
    enough: Callable[[], bool] = lambda: False
    """Whether there is no time for another one."""
    _seen: set[tuple[Choice, ...]] = field(default_factory=set)

    def down(self, config: dict[str, Choice], latency: int) -> tuple[dict[str, Choice], int]:
        """The configuration at the end of the way, at most as slow as the one it starts from, and its latency."""
        unchanged = 0
        while unchanged < len(self.free) and self._more():
            for each in self.free:
                faster = self._better(each, config, latency)
                unchanged = 0 if faster else unchanged + 1
                config, latency = faster or (config, latency)
                if unchanged >= len(self.free):
                    break
        return config, latency

    def _more(self) -> bool:
        return self.left > 0 and not self.enough()

    def _better(self, tunable: Tunable, config: dict[str, Choice], latency: int) -> tuple[dict[str, Choice], int] | None:
        """The fastest that differs in one tunable by a step, if it is faster."""
        found = None
        for value in tunable.neighbours(config[tunable.name]):
            for near in self._fitting({**config, tunable.name: value}, fewer=not tunable.slots):
                if not self._more():
                    return found
                timed = self.latency(near)
                if timed is None:
                    continue
                self.left -= 1
                if timed < latency:
                    found, latency = (near, timed), timed
                break
        return found

    def _fitting(self, near: dict[str, Choice], fewer: bool) -> Iterator[dict[str, Choice]]:
        """A neighbour, then with fewer slots, for where it does not fit; what was met before is left out."""
        slots = [each for each in self.free if each.slots] if fewer else []
        for most in (None, *FEWER):
            if most is not None:
                less = {
                    each.name: max((value for value in each.values if int(value) <= most), default=each.values[0])
                    for each in slots
                }
                near = {**near, **{name: min(int(near[name]), int(value)) for name, value in less.items()}}
            key = tuple(near[each.name] for each in self.space)
            if key not in self._seen:
                self._seen.add(key)
                yield near
