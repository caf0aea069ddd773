"""A short descent: from a configuration to the nearest one that no single change makes faster.

Every tunable in turn tries the choices one step away; one that is faster is kept at once. What does not fit, or cannot be faster
by its lower bound, is not timed. The number of timings is limited and no clock is read, so that the way is the same every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tilery.backends.tunable import Choice, Config, Tunable

STEPS = 48
"""How many configurations are timed on the way at most. Most kernels arrive sooner."""


@dataclass(slots=True)
class Downhill:
    """The way down over the tunables that are free, in their order."""

    space: tuple[Tunable, ...]
    free: tuple[Tunable, ...]
    bounds: Callable[[Sequence[Config]], NDArray[np.float64]]
    """Lower bounds on the latencies of some configurations in microseconds; infinite where one does not fit."""
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
        for near in self._worth_timing(tunable, config, latency):
            if self.left <= 0:
                break
            self.left -= 1
            timed = self.latency(near)
            if timed is not None and timed < latency:
                found, latency = (near, timed), timed
        return found

    def _worth_timing(self, tunable: Tunable, config: dict[str, Choice], latency: int) -> Iterator[dict[str, Choice]]:
        """The neighbours that were not met before, fit, and may be faster."""
        near = [{**config, tunable.name: value} for value in tunable.neighbours(config[tunable.name])]
        new = [each for each in near if self._key(each) not in self._seen]
        self._seen.update(map(self._key, new))
        if new:
            bounds = self.bounds(new)
            yield from (each for each, bound in zip(new, bounds, strict=True) if bound * 1e9 < latency)

    def _key(self, config: Config) -> tuple[Choice, ...]:
        return tuple(config[each.name] for each in self.space)
