"""The search: exact timing of what screening left, cheapest evidence first, until proved, out of budget or interrupted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tilery.backends.machine.errors import Infeasible
from tilery.backends.tunable import Config

from ..deadline import Deadline, TimeUp
from ..interrupts import held
from ..progress import Progress, Stop, Watcher
from ..space.feasibility import Landscape
from ..strategies.arms import Arm, BoundOrder, Descent
from ..strategies.turns import Turns
from ..trials import Trial, Trials
from .protocol import Model

if TYPE_CHECKING:
    from ..together.exchange import Exchange
    from ..together.shared import SharedStudy

AUTO = "auto"
"""The sampler of who names none: none where the space has been screened whole, for its bounds lead there; else TPE."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to search: whichever ends first."""

    seconds: float | None = 20.0
    trials: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a search found."""

    trials: Trials
    default: Trial
    stop: Stop


class Clock:
    """Counts a budget down."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._start = time.monotonic()
        self.deadline = Deadline.after(budget.seconds)

    @property
    def elapsed_s(self) -> float:
        """Since it was made."""
        return time.monotonic() - self._start

    def spent(self, trials: int) -> Stop | None:
        """Why a search of so many trials has to end; None as long as it may go on."""
        if self._budget.trials is not None and trials >= self._budget.trials:
            return "trials"
        if self._budget.seconds is not None and self.elapsed_s >= self._budget.seconds:
            return "budget"
        return None

    def fraction(self, trials: int) -> float:
        """The share of the budget that is used, 0 to 1."""
        by_trials = trials / self._budget.trials if self._budget.trials else 0.0
        by_time = self.elapsed_s / self._budget.seconds if self._budget.seconds else 0.0
        return min(1.0, max(by_trials, by_time))


def search(
    model: Model,
    landscape: Landscape,
    default: Config,
    budget: Budget,
    *,
    sampler: str = AUTO,
    seed: int = 0,
    seeds: Sequence[Config] = (),
    watch: Watcher | None = None,
    others: SharedStudy | None = None,
) -> Outcome:
    """Times the default, then `seeds`, then what the arms propose in turn; last, whether the best can do with fewer slots.

    Ctrl-C ends it with what was found.

    With `others` it exchanges its best with the other workers of that study, now and then and at the end.

    Raises `Infeasible` if the default is; everything after it is compared with it.
    """
    space, clock, trials = landscape.space, Clock(budget), Trials(landscape)
    first = _timed(model, trials, space.index(default))
    if first is None:
        model.measure(default)  # raises, and says why
        raise AssertionError("a default that was infeasible is feasible now")
    arms = _arms(trials, first, sampler, seed)
    exchange = _exchange(others, trials)
    if exchange:
        arms.append(exchange)
    turns = Turns(len(arms), by_time=budget.trials is None)
    known = [space.index(config) for config in seeds]

    def report() -> None:
        if watch and trials.best:
            best = trials.best
            watch(
                Progress(
                    "search",
                    len(trials.done),
                    len(trials.done) + trials.open(),
                    clock.elapsed_s,
                    clock.fraction(len(trials.done)),
                    best.latency_us,
                    space.config(best.index),
                    first.latency_us,
                    headroom=trials.headroom,
                )
            )

    stop: Stop | None = None
    told = 0.0
    try:
        with clock.deadline.enforced():
            for index in known:
                stop = stop or clock.spent(len(trials.done))
                if index not in trials.done and not stop:
                    _tell(arms, _timed(model, trials, index))
            while not stop:
                stop = clock.spent(len(trials.done))
                if stop or not _turn(model, trials, arms, turns):
                    break
                if clock.elapsed_s - told > 0.1:
                    told = clock.elapsed_s
                    report()
            while not clock.spent(len(trials.done)) and _tighten(model, trials):
                pass
    except TimeUp:
        stop = "budget"
    except KeyboardInterrupt:
        stop = "interrupted"
    with held() as end:
        trials.settle()
        if exchange:
            exchange.leave()
        report()
    stop = "interrupted" if end.asked else stop
    return Outcome(trials, first, stop or ("proved" if landscape.whole else "exhausted"))


def _arms(trials: Trials, first: Trial, sampler: str, seed: int) -> list[Arm]:
    """Descent, sampler and bounds in equal parts: of a dozen mixtures tried on four kernels none did better on all."""
    arms: list[Arm] = [Descent(trials, first), BoundOrder(trials)]
    if sampler == AUTO and trials.landscape.whole:
        return arms
    from ..strategies.sampler import study_arm  # brings Optuna along

    if study := study_arm(trials, "tpe" if sampler == AUTO else sampler, seed):
        study.told(first, own=False)
        arms.insert(1, study)
    return arms


def _turn(model: Model, trials: Trials, arms: Sequence[Arm], turns: Turns) -> bool:
    """One trial, by the arm whose turn it is; False if none has anything to propose."""
    for place in turns.order():
        with turns.taken(place):
            proposed = arms[place].propose()
            if proposed is None:
                continue
            _tell(arms, _timed(model, trials, proposed), arms[place])
        return True
    return False


def _tighten(model: Model, trials: Trials) -> bool:
    """Times the best with one slot fewer; True if that is as fast, and so better, because it takes less memory."""
    before = trials.best
    assert before
    for index in trials.landscape.space.fewer_slots(before.index):
        if int(index) not in trials.done:
            _timed(model, trials, int(index))
            if trials.best is not before:
                return True
    return False


def _tell(arms: Sequence[Arm], trial: Trial | None, proposer: Arm | None = None) -> None:
    if trial:
        for each in arms:
            each.told(trial, each is proposer)


def _exchange(study: SharedStudy | None, trials: Trials) -> Exchange | None:
    if study is None:
        return None
    from ..together.exchange import Exchange  # brings Optuna along

    return Exchange(study, trials)


def adopt(model: Model, outcome: Outcome, study: SharedStudy) -> None:
    """Times what the other workers of a study have found since the search ended, so that the best of all can win."""
    exchange = _exchange(study, outcome.trials)
    assert exchange
    while (index := exchange.propose()) is not None:
        _timed(model, outcome.trials, index)


def _timed(model: Model, trials: Trials, index: int) -> Trial | None:
    try:
        measured = model.measure(trials.landscape.space.config(index))
    except Infeasible as error:
        trials.refuse(index, error.limit)
        return None
    trial = Trial(index, measured.latency_us, measured.on_chip_bytes)
    trials.add(trial)
    return trial
