"""Everything that a tuning found, beyond its result: all trials in order, and the landscape."""

from __future__ import annotations

from dataclasses import dataclass

from .model.exploration import Outcome
from .model.protocol import TuningModel
from .trials import Trial


@dataclass(frozen=True)
class Findings:
    """A search that has ended."""

    model: TuningModel
    outcome: Outcome

    @property
    def trials(self) -> list[Trial]:
        """What was timed, in that order; without what turned out not to fit."""
        return [each for each in self.outcome.trials.done.values() if each]

    def value(self, trial: Trial) -> float:
        """What was minimised first."""
        return trial.values[0] if trial.values else trial.latency_us
