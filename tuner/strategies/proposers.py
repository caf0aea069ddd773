"""Ways to come by the next configuration of a `Search`; each gives the places it would take, best first or by preference."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..space.pool import Pool

if TYPE_CHECKING:
    import optuna
    from optuna.samplers import BaseSampler

    from .parts.process import Process

Places = NDArray[np.int64]

NEAR = 2
"""In how many parameters a configuration near the best may differ from it."""


@dataclass
class Record:
    """What a search has been told."""

    pool: Pool
    generator: np.random.Generator
    asked: set[int] = field(default_factory=set)
    values: dict[int, float] = field(default_factory=dict)
    """By place; infinite for a failure."""

    def open(self) -> Places:
        """The places that have not been asked for."""
        mask = np.ones(len(self.pool.rows), dtype=bool)
        mask[list(self.asked)] = False
        return np.flatnonzero(mask)

    @property
    def best(self) -> int | None:
        """The place of the least value; None before the first success."""
        finite = {place: value for place, value in self.values.items() if np.isfinite(value)}
        return min(finite, key=lambda place: finite[place]) if finite else None


class Proposer(Protocol):
    """One way to come by configurations."""

    def propose(self, record: Record, open_places: Places) -> int:
        """One of the open places."""


class Random:
    """Any of them."""

    def propose(self, record: Record, open_places: Places) -> int:
        """A random one."""
        return int(record.generator.choice(open_places))


class Brute:
    """All of them in turn, a model's best first."""

    def propose(self, record: Record, open_places: Places) -> int:
        """The first one that is left."""
        bounds = record.pool.bounds
        return int(open_places[0] if bounds is None else open_places[np.argmin(bounds[open_places])])


class Descent:
    """From the best so far to what differs in as few parameters as possible; a random start first, and after a dead end."""

    starts = 10

    def propose(self, record: Record, open_places: Places) -> int:
        """One of the nearest to the best."""
        best = record.best
        if best is None or len(record.values) < self.starts:
            return int(record.generator.choice(open_places))
        apart = record.pool.differences(best)[open_places]
        return int(record.generator.choice(open_places[apart == apart.min()]))


class Study:
    """A sampler of Optuna; what it asks for is moved to the nearest configuration that is feasible and new."""

    def __init__(self, pool: Pool, sampler: BaseSampler) -> None:
        import optuna
        from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

        numeric = isinstance(sampler, optuna.samplers.CmaEsSampler)
        choices = [tuple(range(len(values))) for values in pool.values]
        self._distributions: dict[str, BaseDistribution] = {
            name: IntDistribution(0, len(each) - 1) if numeric else CategoricalDistribution(each)
            for name, each in zip(pool.names, choices, strict=True)
        }
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = optuna.create_study(sampler=sampler)
        self._told: set[int] = set()

    def propose(self, record: Record, open_places: Places) -> int:
        """What the sampler asks for, or the nearest to it."""
        import optuna

        self._tell(record)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # experimental features of Optuna are not the user's concern
            trial: optuna.Trial = self._study.ask(self._distributions)
        wanted = [trial.params[name] for name in record.pool.names]
        # What is told later is the configuration that was taken, not the one that the sampler had in mind.
        self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return int(open_places[np.argmin(record.pool.distances(wanted, open_places))])

    def _tell(self, record: Record) -> None:
        import optuna

        for place in record.values.keys() - self._told:
            value = record.values[place]
            self._told.add(place)
            if np.isfinite(value):
                params = dict(zip(record.pool.names, record.pool.rows[place].tolist(), strict=True))
                self._study.add_trial(optuna.trial.create_trial(params=params, distributions=self._distributions, value=value))


class Surrogate:
    """A Gaussian process of what has been measured; the configuration that it expects to improve most is next."""

    starts = 8
    """Random ones before the process is trusted."""
    candidates = 1500
    """How many random ones are looked at, and how many around the best; a few hundredths of a second."""
    refit = 3
    """The length scales are fitted anew after so many measurements."""
    most = 300
    """How many measurements it rests on: the best of them, and the latest."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._fitted = 0

    def propose(self, record: Record, open_places: Places) -> int:
        """The one of greatest expected improvement; every fourth time, among those near the best only."""
        best = record.best
        if best is None or len(record.values) < self.starts:
            return self._start(record, open_places)
        places, targets = self._evidence(record)
        points = record.pool.features()
        self._fit(points[places], targets, len(record.values))
        assert self._process
        apart = record.pool.differences(best)[open_places]
        near = open_places[apart <= NEAR]
        looked_at = self._some(near, record.generator)
        if len(record.values) % 4 or not len(near):
            looked_at = np.union1d(looked_at, self._some(open_places, record.generator))
        gains = self._process.improvement(points[looked_at], float(targets.min()))
        return int(looked_at[np.argmax(gains)])

    def _start(self, record: Record, open_places: Places) -> int:
        """Random; half of the time one of a model's best, where there is a model."""
        bounds = record.pool.bounds
        if bounds is not None and len(record.values) % 2 == 0:
            return int(open_places[np.argmin(bounds[open_places])])
        return int(record.generator.choice(open_places))

    def _evidence(self, record: Record) -> tuple[Places, NDArray[np.float64]]:
        """What has been measured, as logarithms where all are positive; a failure counts as the worst of what has not failed."""
        places = np.array(list(record.values))
        values = np.array(list(record.values.values()))
        worst = values[np.isfinite(values)].max()
        values = np.where(np.isfinite(values), values, worst)
        targets = np.log(values) if values.min() > 0 else values
        if len(places) > self.most:
            kept = np.union1d(np.argsort(targets, kind="stable")[: self.most // 2], np.arange(len(places))[-self.most // 2 :])
            places, targets = places[kept], targets[kept]
        return places, targets

    def _fit(self, points: NDArray[np.float64], targets: NDArray[np.float64], count: int) -> None:
        from .parts.process import STEPS, fit  # brings scipy along

        known = self._process.parameters if self._process else None
        due = known is None or count >= self._fitted + self.refit
        self._process = fit(points, targets, known, steps=STEPS if due else 0)
        self._fitted = count if due else self._fitted

    def _some(self, places: Places, generator: np.random.Generator) -> Places:
        return places if len(places) <= self.candidates else generator.choice(places, self.candidates, replace=False)
