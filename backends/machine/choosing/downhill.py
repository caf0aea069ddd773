"""A short descent: from a configuration to the nearest one that no single change makes faster.

Every tunable in turn tries the choices one step away; one that is faster is kept at once. Lower bounds would cost more than they
save: of such neighbours a tenth is ruled out. The number of timings is limited and no clock is read, so that the way is the same
every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tilery.backends.tunable import Choice, Config, Tunable

STEPS = 48
"""How many configurations are timed on the way at most. Most kernels arrive sooner."""


@dataclass(slots=True)
class Downhill:
    """The way down over the tunables that are free, in their order."""

    space: tuple[Tunable, ...]
    free: tuple[Tunable, ...]
    latency: Callable[[Config], int | None]
    """The latency of a configuration in femtoseconds, if it fits."""
    left: int = STEPS
    _seen: set[tuple[Choice, ...]] = field(default_factory=set)

    def down(self, config: dict[str, Choice], latency: int) -> dict[str, Choice]:
        """The configuration at the end of the way, at most as slow as the one it starts from."""
        unchanged = 0
        while unchanged < len(self.free) and self.left > 0:
            for each in self.free:
                faster = self._better(each, config, latency)
                unchanged = 0 if faster else unchanged + 1
                config, latency = faster or (config, latency)
                if unchanged >= len(self.free):
                    break
        return config

    def _better(self, tunable: Tunable, config: dict[str, Choice], latency: int) -> tuple[dict[str, Choice], int] | None:
        """The fastest that differs in one tunable by a step, if it is faster."""
        found = None
        for near in self._new(tunable, config):
            if self.left <= 0:
                break
            timed = self.latency(near)
            self.left -= timed is not None
            if timed is not None and timed < latency:
                found, latency = (near, timed), timed
        return found

    def _new(self, tunable: Tunable, config: dict[str, Choice]) -> Iterator[dict[str, Choice]]:
        """The neighbours that were not met before."""
        for value in tunable.neighbours(config[tunable.name]):
            near = {**config, tunable.name: value}
            if self._key(near) not in self._seen:
                self._seen.add(self._key(near))
                yield near

    def _key(self, config: Config) -> tuple[Choice, ...]:
        return tuple(config[each.name] for each in self.space)
