"""A sampler of Optuna as a strategy: what it asks for is moved to the nearest configuration that may be proposed."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...strategy import Candidates, Strategy

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler


class StudyStrategy(Strategy):
    """Asks an Optuna study in memory, which is told every trial of the whole search.

    Parameters are categories, which serve every sampler best, except one that knows numbers only: it gets the places of numbers.
    """

    numeric: ClassVar[bool] = False
    """Whether the sampler knows numbers only."""

    def __init__(self, candidates: Candidates, seed: int) -> None:
        super().__init__(candidates, seed)
        import optuna  # a third of a second
        from optuna.distributions import CategoricalDistribution, IntDistribution

        numbers = [self.numeric and all(isinstance(each, int | float) for each in values) for values in candidates.values]
        self._distributions: dict[str, BaseDistribution] = {
            name: IntDistribution(0, len(values) - 1) if number else CategoricalDistribution(tuple(range(len(values))))
            for name, values, number in zip(candidates.names, candidates.values, numbers, strict=True)
        }
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # experimental features of Optuna are not the user's concern
            self._study = optuna.create_study(directions=["minimize"] * candidates.objectives, sampler=self.sampler(seed))
        self._notes: dict[int, Mapping[str, object]] = {}
        """What the sampler noted of its own proposals: evolutionary ones count a generation by it."""

    @abstractmethod
    def sampler(self, seed: int) -> BaseSampler:
        """The sampler of Optuna."""

    def propose(self) -> int | None:
        """What the sampler asks for, moved."""
        if not self.candidates.any_open():
            return None
        import optuna

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asked = self._study.ask(self._distributions)
            # What is told later is the configuration that was taken, not the one that the sampler had in mind.
            noted = self._study.tell(asked, state=optuna.trial.TrialState.FAIL)
        wanted = np.array([asked.params[name] for name in self.candidates.names], np.int64)
        number = self.candidates.nearest(wanted)
        if number is not None:
            self._notes[number] = noted.system_attrs
        return number

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        """Tells the study, so that the sampler learns from what others proposed too; of failures it knows nothing."""
        import optuna

        notes = self._notes.pop(number, {})
        if not all(map(math.isfinite, values)):
            return
        digits = self.candidates.digits(np.array([number]))[0].tolist()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial = optuna.trial.create_trial(
                params=dict(zip(self.candidates.names, digits, strict=True)),
                distributions=self._distributions,
                values=list(values),
                system_attrs=dict(notes),
            )
            self._study.add_trial(trial)
