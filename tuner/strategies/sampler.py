"""Optuna as one arm of the search: it proposes, and each proposal is moved to the nearest configuration worth timing."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Mapping
from itertools import islice

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler

from tilery.backends.tunable import Tunable
from tilery.dsl.errors import UsageError
from tilery.dsl.report import did_you_mean

from ..space.configurations import Indices
from ..trials import Trial, Trials

NEAR = 20_000
"""Among how many of the best lower bounds the nearest configuration is looked for: a millisecond of numpy."""


def _tpe(seed: int) -> BaseSampler:
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=10)


def _random(seed: int) -> BaseSampler:
    return optuna.samplers.RandomSampler(seed=seed)


def _gp(seed: int) -> BaseSampler:
    return optuna.samplers.GPSampler(seed=seed)


def _cmaes(seed: int) -> BaseSampler:
    return optuna.samplers.CmaEsSampler(seed=seed)


def _nsga2(seed: int) -> BaseSampler:
    return optuna.samplers.NSGAIISampler(seed=seed)


SAMPLERS: Mapping[str, Callable[[int], BaseSampler] | None] = {
    "tpe": _tpe,
    "random": _random,
    "gp": _gp,
    "cmaes": _cmaes,
    "nsga2": _nsga2,
    "brute": None,
}
"""Samplers by name. `brute` has none: the walk in order of lower bounds visits everything once, and can stop early."""

_NEEDS = {"gp": "torch", "cmaes": "cmaes"}


class StudyArm:
    """Proposals of an Optuna study, kept in memory, which is told every trial of the whole search."""

    def __init__(self, trials: Trials, sampler: BaseSampler, *, numeric: bool = False) -> None:
        self._trials = trials
        self._tunables = trials.landscape.space.tunables
        self._numeric = [numeric and each.ordered for each in self._tunables]
        self._distributions = {
            each.name: _distribution(each, number) for each, number in zip(self._tunables, self._numeric, strict=True)
        }
        scale = [1 / max(1, len(each.values) - 1) if each.ordered else 0.0 for each in self._tunables]
        self._scale = np.array(scale, dtype=np.float32)
        self._candidates = trials.landscape.order[:NEAR]
        self._digits = trials.landscape.space.digits(self._candidates).astype(np.int16)
        self._place = {int(index): place for place, index in enumerate(self._candidates)}
        self._new = np.ones(len(self._candidates), dtype=bool)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.study = optuna.create_study(direction="minimize", sampler=sampler)
        self._seen = 0
        self._asked: optuna.Trial | None = None

    def propose(self) -> int | None:
        """What the sampler asks for, moved to the nearest configuration that is feasible, new and able to win."""
        end = min(NEAR, self._trials.landscape.below(self._trials.best_us))
        self._forget_timed()
        if not self._new[:end].any():
            return None
        self._forget()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # experimental features of Optuna are not the user's concern
            self._asked = self.study.ask(self._distributions)
        wanted = self._wanted(self._asked.params)
        # The sample of a large space must not confine the sampler: what it asks for is taken as it is where that can win.
        if not self._trials.landscape.whole and len(
            asked := self._trials.promising(self._trials.landscape.space.indices(wanted[None]))
        ):
            return int(asked[0])
        return self._nearest(wanted, end)

    def told(self, trial: Trial, own: bool) -> None:
        """Tells the study, so that the sampler learns from the descents too."""
        parameters = self._parameters(trial.index)
        if own and self._asked and self._asked.params == parameters:
            self.study.tell(self._asked, trial.latency_us)
            self._asked = None
            return
        if own:
            self._forget()
        self.study.add_trial(
            optuna.trial.create_trial(params=parameters, distributions=self._distributions, value=trial.latency_us)
        )

    def _forget(self) -> None:
        """Closes a trial that was moved elsewhere: samplers leave failed trials out of account."""
        if self._asked:
            self.study.tell(self._asked, state=optuna.trial.TrialState.FAIL)
            self._asked = None

    def _parameters(self, index: int) -> dict[str, int | str]:
        """A configuration as the study knows it: choices, or their places for a sampler that knows numbers only."""
        digits = self._trials.landscape.space.digits(np.array([index]))[0]
        return {
            each.name: int(digit) if number else each.values[digit]
            for each, digit, number in zip(self._tunables, digits, self._numeric, strict=True)
        }

    def _wanted(self, parameters: Mapping[str, int | str]) -> Indices:
        """What was asked for, as choice indices."""
        pairs = zip(self._tunables, self._numeric, strict=True)
        places = [parameters[each.name] if number else each.values.index(parameters[each.name]) for each, number in pairs]
        return np.array(places, dtype=np.int64)

    def _nearest(self, wanted: Indices, end: int) -> int:
        """By steps over ordered values, by difference over names; the one of better bound wins a tie."""
        steps = np.abs(self._digits[:end] - wanted.astype(np.int16))
        distance = np.where(self._scale > 0, steps * self._scale, steps > 0).sum(axis=1)
        distance[~self._new[:end]] = np.inf
        return int(self._candidates[np.argmin(distance)])

    def _forget_timed(self) -> None:
        """Takes what has been timed since the last time, or refused, out of the candidates."""
        for index in islice(self._trials.done, self._seen, None):
            if (place := self._place.get(index)) is not None:
                self._new[place] = False
        self._seen = len(self._trials.done)


def _distribution(tunable: Tunable, numeric: bool) -> BaseDistribution:
    """Tile sizes as categories serve every sampler best, except one that knows numbers only."""
    return IntDistribution(0, len(tunable.values) - 1) if numeric else CategoricalDistribution(tunable.values)


def study_arm(trials: Trials, name: str, seed: int) -> StudyArm | None:
    """The arm of a named sampler; None for `brute`. `UsageError` for an unknown one or one whose package is missing."""
    check_sampler(name)
    make = SAMPLERS[name]
    if make is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return StudyArm(trials, make(seed), numeric=name == "cmaes")


def check_sampler(name: str) -> None:
    """`UsageError` for an unknown sampler, or one whose package is not installed."""
    if name not in SAMPLERS:
        hint = did_you_mean(name, SAMPLERS) or f"there are {', '.join(SAMPLERS)}"
        raise UsageError(f"there is no sampler `{name}`; {hint}")
    if (package := _NEEDS.get(name)) and importlib.util.find_spec(package) is None:
        raise UsageError(f"the sampler `{name}` needs the package {package}: pip install {package}")
