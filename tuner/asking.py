"""The search as an object to ask and to tell: for objectives from outside, as times measured on a chip.

```python
search = tilery.tuner.Search({"block": [32, 64, 128], "unroll": [1, 2, 4]}, lambda each: each["block"] * each["unroll"] <= 256)
for _ in range(40):
    config = search.ask()
    search.tell(config, measure(config))
print(search.best)
```
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tilery.dsl.errors import TileryError, UsageError

from .registry import check, made, register
from .space.feasibility import Landscape
from .space.given import Value, check_seed, worth
from .space.pool import Configuration, Constraint, Pool, listed, screened
from .space.pool_candidates import PoolCandidates
from .strategy import Checked, Strategy


class Exhausted(TileryError):
    """Every feasible configuration has been asked for."""


@dataclass(frozen=True, slots=True)
class Told:
    """A configuration and its value."""

    config: Configuration
    value: float
    """The value; infinite if it failed."""
    reason: str = ""
    """The reason of a failure, if one was given."""


class Search:
    """Asks for configurations and is told what each is worth; less is better.

    `space` is a mapping of names to values, with a `constraint` that says which combinations are allowed, or the space of a
    kernel on a chip, `kernel.space(chip="trn2", M=2048, ...)`, whose feasible configurations and their ranking by the model
    it then knows. `sampler` names a strategy (docs/tuning.md lists them; `surrogate`, a Gaussian process, is the default), or is
    the class of one. The same `seed` and answers give the same questions. `seeds` are configurations to ask for first.
    No configuration is asked for twice.
    A value is a finite number, a text, a truth value or None; a parameter has at most 32,767 of them.
    Raises `UsageError` for anything else in the space, an unknown strategy, a `seed` that is no whole number from 0 to 2**31 - 1,
    an infeasible configuration among `seeds`, or a space without a feasible one. What `constraint` raises is left to pass.
    """

    def __init__(
        self,
        space: Mapping[str, Iterable[Value]] | Landscape,
        constraint: Constraint | None = None,
        *,
        sampler: str | type[Strategy] = "surrogate",
        seed: int = 0,
        seeds: Sequence[Mapping[str, Value]] = (),
    ) -> None:
        check_seed(seed)
        if constraint is not None and not callable(constraint):
            raise UsageError("the constraint is a function of a configuration that says whether it is allowed")
        if isinstance(seeds, str | Mapping) or not isinstance(seeds, Iterable):
            raise UsageError('seeds are a list of configurations to ask for first, as [{"block": 64}]')
        self._pool = _pool(space, constraint, seed)
        self._candidates = PoolCandidates(self._pool)
        self._name, self._seed = _named(sampler), seed
        check(self._name, 1, bounds=self._pool.bounds is not None)  # so that an unknown name is reported now
        self._waiting = deque(dict.fromkeys(self._pool.place(each) for each in seeds))
        self._told: dict[int, Told] = {}
        self._proposed: set[int] = set()
        self._grown: set[int] = set()
        if not self._waiting:
            _ = self._strategy  # it takes up to half a second, which seeds make unnecessary for now

    @cached_property
    def _strategy(self) -> Checked:
        return made(self._name, self._candidates, self._seed)

    @property
    def feasible(self) -> int:
        """How many feasible configurations there are. For a space that is too large to list: how many are known so far."""
        return len(self._pool.rows)

    @property
    def told(self) -> Sequence[Told]:
        """The configurations told so far, in order."""
        return list(self._told.values())

    @property
    def best(self) -> Told | None:
        """The configuration with the least value so far; None before the first success."""
        return next((self._told[place] for place in self._candidates.best().tolist()), None)

    def ask(self) -> Configuration:
        """The next configuration to evaluate, never one twice. Several may be open at a time. Raises `Exhausted` if none is
        left."""
        place = self._next()
        self._candidates.asked.add(place)
        return self._pool.configuration(place)

    def take(self, config: Mapping[str, Value]) -> None:
        """Marks a configuration as being evaluated elsewhere: it is not asked for any more. Raises `UsageError` if it is
        infeasible."""
        self._candidates.asked.add(self._pool.place(config))

    def tell(self, config: Mapping[str, Value], value: float | str) -> None:
        """Tells the value of a configuration, asked for or not. `math.inf`, or a text with the reason, says that it failed.

        Raises `UsageError` if the configuration is infeasible or was told before, or if the value is NaN, minus infinity, or a
        text that is a number (which would count as the reason of a failure).
        """
        place = self._pool.place(config)
        if place in self._told:
            raise UsageError(f"this configuration has been told already: {dict(config)}")
        number, reason = worth(value)
        self._told[place] = Told(self._pool.configuration(place), number, reason)
        self._candidates.asked.add(place)
        self._candidates.told[place] = number
        self._strategy.learn(place, (number,), place in self._proposed)

    def _next(self) -> int:
        candidates = self._candidates
        while self._waiting:
            if candidates.is_open(place := self._waiting.popleft()):
                return place
        for best in candidates.best().tolist():
            self._grow(best)
        while not candidates.any_open():
            if not self._widened():
                raise Exhausted(f"all {self.feasible} feasible configurations have been asked for")
        proposed = self._strategy.propose()
        if proposed is None:
            return int(candidates.ahead()[0])
        self._proposed.add(proposed)
        return proposed

    def _grow(self, centre: int) -> None:
        """Adds the neighbours of a configuration, once."""
        if not self._pool.whole and centre not in self._grown:
            self._grown.add(centre)
            self._pool.grow(centre)

    def _widened(self) -> bool:
        """Adds the neighbours of the best configuration that has not been expanded. Returns False if there is none."""
        told = self._candidates.told
        centres = [] if self._pool.whole else [place for place in self._candidates.asked if place not in self._grown]
        if not centres:
            return False
        self._grow(min(centres, key=lambda place: (told.get(place, math.inf), place)))
        return True


def _pool(space: Mapping[str, Iterable[Value]] | Landscape, constraint: Constraint | None, seed: int) -> Pool:
    if not isinstance(space, Landscape):
        return listed(space, constraint, seed)
    if constraint is not None:
        raise UsageError("a kernel's space says itself what is feasible, and takes no constraint")
    return screened(space)


def _named(sampler: object) -> str:
    """The name of a strategy or of a strategy's class."""
    if isinstance(sampler, type) and issubclass(sampler, Strategy):
        return register(sampler)
    if not isinstance(sampler, str):
        raise UsageError(f'sampler={sampler!r}: the name or the class of a strategy is expected, as sampler="surrogate"')
    return sampler
