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
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tilery.dsl.errors import TileryError, UsageError
from tilery.dsl.report import did_you_mean

from .space.feasibility import Landscape
from .space.given import Value, check_seed, worth
from .space.pool import Configuration, Constraint, Pool, listed, screened
from .strategies.proposers import Brute, Descent, Proposer, Random, Record, Study, Surrogate

OWN: Mapping[str, Callable[[], Proposer]] = {"surrogate": Surrogate, "descent": Descent, "random": Random, "brute": Brute}
STUDIES = ("tpe", "gp", "cmaes", "nsga2")
"""Samplers of Optuna."""


class Exhausted(TileryError):
    """Every feasible configuration has been asked for."""


@dataclass(frozen=True, slots=True)
class Told:
    """A configuration and what came of it."""

    config: Configuration
    value: float
    """Infinite if it failed."""
    reason: str = ""
    """Why it failed, if it did and that was said."""


class Search:
    """Asks for configurations and is told what each is worth; less is better.

    `space` is a mapping of names to values, with a `constraint` that says which combinations are allowed, or the space of a
    kernel on a chip, `kernel.space(chip="trn2", M=2048, ...)`, whose feasible configurations and their ranking by the model
    it then knows. `sampler` is `surrogate` (a Gaussian process, the default), `descent`, `random`, `brute`, or one of
    Optuna's: `tpe`, `gp`, `cmaes`, `nsga2`. The same `seed` and answers give the same questions. `seeds` are configurations
    to ask for first. No configuration is asked for twice.
    A value is a finite number, a text, a truth value or None; a parameter has at most 32,767 of them.
    Raises `UsageError` for anything else in the space, an unknown sampler, a `seed` that is no whole number from 0 to 2**31 - 1,
    an infeasible configuration among `seeds`, or a space without a feasible one. What `constraint` raises is left to pass.
    """

    def __init__(
        self,
        space: Mapping[str, Iterable[Value]] | Landscape,
        constraint: Constraint | None = None,
        *,
        sampler: str = "surrogate",
        seed: int = 0,
        seeds: Sequence[Mapping[str, Value]] = (),
    ) -> None:
        check_seed(seed)
        if constraint is not None and not callable(constraint):
            raise UsageError("the constraint is a function of a configuration that says whether it is allowed")
        if isinstance(seeds, str | Mapping) or not isinstance(seeds, Iterable):
            raise UsageError('seeds are a list of configurations to ask for first, as [{"block": 64}]')
        self._pool = _pool(space, constraint, seed)
        self._record = Record(self._pool, np.random.default_rng(seed))
        self._proposer = _proposer(sampler, self._pool, seed)
        self._waiting = deque(dict.fromkeys(self._pool.place(each) for each in seeds))
        self._told: dict[int, Told] = {}
        self._grown: set[int] = set()

    @property
    def feasible(self) -> int:
        """How many configurations there are to ask for; of a space too large to list, how many of them are known so far."""
        return len(self._pool.rows)

    @property
    def told(self) -> Sequence[Told]:
        """What it has been told, in that order."""
        return list(self._told.values())

    @property
    def best(self) -> Told | None:
        """The least value so far; None before the first that did not fail."""
        place = self._record.best
        return None if place is None else self._told[place]

    def ask(self) -> Configuration:
        """A configuration that has not been asked for; several may wait to be told. Raises `Exhausted` if none is left."""
        place = self._next()
        self._record.asked.add(place)
        return self._pool.configuration(place)

    def take(self, config: Mapping[str, Value]) -> None:
        """Somebody else is at this configuration: it is not asked for any more. `UsageError` if it is infeasible."""
        self._record.asked.add(self._pool.place(config))

    def tell(self, config: Mapping[str, Value], value: float | str) -> None:
        """What came of a configuration, asked for or not: its value, or `math.inf` or a reason if it failed.

        `UsageError` if it is infeasible, has been told before, or the value is no number to minimise: NaN, minus infinity, or a
        text that is a number, which would count as the reason of a failure.
        """
        place = self._pool.place(config)
        if place in self._told:
            raise UsageError(f"this configuration has been told already: {dict(config)}")
        number, reason = worth(value)
        self._told[place] = Told(self._pool.configuration(place), number, reason)
        self._record.asked.add(place)
        self._record.values[place] = number

    def _next(self) -> int:
        while self._waiting:
            if (place := self._waiting.popleft()) not in self._record.asked:
                return place
        best = self._record.best
        if not self._pool.whole and best is not None and best not in self._grown:
            self._grown.add(best)
            self._pool.grow(best)
        open_places = self._record.open()
        while not len(open_places) and self._widened():
            open_places = self._record.open()
        if not len(open_places):
            raise Exhausted(f"all {self.feasible} feasible configurations have been asked for")
        return self._proposer.propose(self._record, open_places)

    def _widened(self) -> bool:
        """Adds what is around the best configuration around which that has not been done; False if there is none left."""
        if self._pool.whole:
            return False
        values = self._record.values
        centres = [place for place in self._record.asked if place not in self._grown]
        if not centres:
            return False
        centre = min(centres, key=lambda place: (values.get(place, math.inf), place))
        self._grown.add(centre)
        self._pool.grow(centre)
        return True


def _pool(space: Mapping[str, Iterable[Value]] | Landscape, constraint: Constraint | None, seed: int) -> Pool:
    if not isinstance(space, Landscape):
        return listed(space, constraint, seed)
    if constraint is not None:
        raise UsageError("a kernel's space says itself what is feasible, and takes no constraint")
    return screened(space)


def _proposer(name: str, pool: Pool, seed: int) -> Proposer:
    if not isinstance(name, str):
        raise UsageError(f"sampler={name!r}: the name of one is expected, as sampler={next(iter(OWN))!r}")
    if name in OWN:
        return OWN[name]()
    if name not in STUDIES:
        known = (*OWN, *STUDIES)
        raise UsageError(f"there is no sampler `{name}`; {did_you_mean(name, known) or 'there are ' + ', '.join(known)}")
    from .strategies.sampler import SAMPLERS, check_sampler

    check_sampler(name)
    make = SAMPLERS[name]
    assert make
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental features of Optuna are not the user's concern
        return Study(pool, make(seed))
