"""A search by measurements: the model suggests configurations, and a command or a function measures them."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tilery.backends.tunable import Choice, Config

from ..asking import Exhausted, Search
from ..budget import Budget, Clock
from ..deadline import TimeUp
from ..interrupts import heard
from ..model.protocol import Model, Refused
from ..model.search import search
from ..progress import Progress, Stop, Watcher
from ..space.feasibility import Landscape
from ..together.shared import Claim, Finished, SharedStudy
from ..together.storage import StorageError, in_short, lost_errors
from .command import MeasurementFailed

log = logging.getLogger("tilery")

RANKED = 300
"""How many configurations the model times to say which are its best."""
RANKING = 0.2
"""The share of the time that it has for that."""
SEEDS = 8
"""How many of the model's best are measured before the search uses the measurements."""
WAIT_S = 0.25
"""Time between two checks of the other workers, if nothing is left to propose."""
LOST = "once it is there again, the same command goes on"

Measure = Callable[[Mapping[str, Choice]], float]
"""From a configuration to its latency in microseconds; whatever it raises is the reason why there is none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One configuration, as the model sees it and as it was measured."""

    config: dict[str, Choice]
    predicted_us: float
    measured_us: float | None
    problem: str = ""
    on_chip_bytes: int = 0
    index: int = 0
    """Its number in the space."""

    @property
    def rank(self) -> tuple[float, float, int, int]:
        """Sorts the better one first, the same for every worker, whatever it heard first.

        Of equal measurements the model's word counts, then fewer bytes on the chip, then the number.
        """
        measured_us = math.inf if self.measured_us is None else self.measured_us
        return measured_us, float(f"{self.predicted_us:.9g}"), self.on_chip_bytes, self.index


@dataclass
class Campaign:
    """Asks, measures and tells until the budget is spent, nothing is left, or it is interrupted. Other workers' results count."""

    model: Model
    landscape: Landscape
    default: Config
    measure: Measure
    study: SharedStudy
    budget: Budget
    sampler: str = "surrogate"
    seed: int = 0
    seeds: Sequence[Config] = ()
    watch: Watcher | None = None
    rows: list[Row] = field(default_factory=list)
    """Everything that has come of the study, in the order in which this worker heard of it."""
    _claim: Claim | None = field(default=None, init=False)
    """The configuration that this worker measures now."""

    def run(self) -> Stop:
        """Measures the default, then the model's best, then what the search asks for.

        Ctrl-C ends it with what was found, and the end of the budget breaks off the measurement that it is at.
        """
        self._clock = Clock(self.budget)
        self._search = Search(self.landscape, sampler=self.sampler, seed=self.seed, seeds=self._first())
        try:
            return self.ended(self._loop())
        except TimeUp:
            return self.ended("budget")
        except KeyboardInterrupt:
            heard()
            return self.ended("interrupted")

    def ended(self, stop: Stop) -> Stop:
        """Gives back what this worker is at, and hears what there is to hear; then nothing more is asked of the storage."""
        if stop == "disconnected":
            return stop
        claim, self._claim = self._claim, None
        try:
            if claim:
                self.study.give_back(claim)
            self.hear()
        except lost_errors() as error:
            return self._lost(error)
        return stop

    def _lost(self, error: Exception) -> Stop:
        if not self.rows:
            raise StorageError(f"the storage is out of reach: {in_short(error)}\nhelp: {LOST}") from None
        log.warning("the storage is out of reach, so the search ends with what it has heard: %s; %s", in_short(error), LOST)
        return "disconnected"

    def _loop(self) -> Stop:
        try:
            return self._through()
        except lost_errors() as error:
            self._claim = None
            return self._lost(error)

    def _through(self) -> Stop:
        while not (stop := self._spent()):
            self._claim = self.study.claim(self._propose, self.budget.trials)
            if self._claim:
                self._work(self._claim)
                self._claim = None
            elif self.study.others():
                # They may die, and their configurations are then for this worker to measure.
                time.sleep(WAIT_S)
                self.study.retry_lost()
                self.hear()
            else:
                return "trials" if self._full() else "exhausted"
        return stop

    @property
    def best(self) -> Row | None:
        """The fastest one measured."""
        return min(self._measured(), key=lambda each: each.rank, default=None)

    @property
    def default_us(self) -> float | None:
        """What the default was measured at; None before that, or if it failed."""
        return next((each.measured_us for each in self.rows if each.config == self.default), None)

    def ranked(self) -> list[Row]:
        """Everything that was measured, fastest first."""
        return sorted(self._measured(), key=lambda each: each.rank)

    def _measured(self) -> list[Row]:
        return [each for each in self.rows if each.measured_us is not None]

    def _first(self) -> list[Config]:
        """The default, the model's best few with tile sizes that differ, then what is known from elsewhere."""
        seconds = None if self.budget.seconds is None else RANKING * self._clock.deadline.left_s
        outcome = search(self.model, self.landscape, self.default, Budget(seconds, RANKED), sampler="brute", seed=self.seed)
        if outcome.stop == "interrupted":
            raise KeyboardInterrupt  # nothing is measured yet, so there is nothing to keep
        space = self.landscape.space
        best: dict[tuple[Choice, ...], Config] = {}
        for trial in outcome.trials.ranked():
            config = space.config(trial.index)
            best.setdefault(tuple(config[each.name] for each in space.tunables if each.kind == "tile"), config)
            if len(best) == SEEDS:
                break
        known = [config for config in self.seeds if np.isfinite(self.landscape.bounds_of(np.array([space.index(config)])))[0]]
        return [self.default, *best.values(), *known]

    def _propose(self) -> Config | None:
        self.hear()
        for config in self.study.others():
            self._search.take(config)
        try:
            return _choices(self._search.ask())
        except Exhausted:
            return None

    def _work(self, claim: Claim) -> None:
        """Measures one configuration and tells what came of it."""
        with self.study.beating(claim):
            value, problem = self._outcome(claim.config)
        try:
            self.study.tell(claim, value, problem)
        except lost_errors():
            self._take_in(Finished(claim.config, value, problem))  # it is known here, if nowhere else
            raise
        self.hear()

    def _outcome(self, config: Mapping[str, Choice]) -> tuple[float | None, str]:
        try:
            self.model.measure(config)
        except Refused as error:
            return None, f"does not fit the chip: {error.limit}"
        try:
            with self._clock.deadline.enforced():
                value = float(self.measure(config))
        except MeasurementFailed as failure:
            return None, str(failure)
        except Exception as error:
            # A function of the user's may raise anything, and the search goes on.
            return None, f"{type(error).__name__}: {error}"
        if not 0 < value < math.inf:
            return None, f"measured {value} us, which is no latency"
        return value, ""

    def hear(self) -> None:
        """Takes in what has finished since."""
        for each in self.study.news():
            self._take_in(each)
        self._report()

    def _take_in(self, each: Finished) -> None:
        if all(each.config != row.config for row in self.rows):
            self.rows.append(self._row(each))
            self._search.tell(each.config, each.problem if each.value is None else each.value)

    def _row(self, finished: Finished) -> Row:
        try:
            model = self.model.measure(finished.config)
            predicted_us, on_chip_bytes = model.latency_us, model.on_chip_bytes
        except Refused:
            predicted_us, on_chip_bytes = math.inf, 0
        index = self.landscape.space.index(finished.config)
        return Row(finished.config, predicted_us, finished.value, finished.problem, on_chip_bytes, index)

    def _spent(self) -> Stop | None:
        return self._clock.spent(len(self.rows))

    def _full(self) -> bool:
        return self.budget.trials is not None and self.study.counted() >= self.budget.trials

    def _report(self) -> None:
        if not self.watch or not (best := self.best):
            return
        done, elapsed_s = len(self.rows), self._clock.elapsed_s
        fraction = self._clock.fraction(done)
        total = self.budget.trials or self.landscape.feasible
        self.watch(Progress("measure", done, total, elapsed_s, fraction, best.measured_us, best.config, self.default_us))


def _choices(config: Mapping[str, object]) -> dict[str, Choice]:
    """The configuration of a search whose space is that of a kernel."""
    return {name: value for name, value in config.items() if isinstance(value, int | str)}
