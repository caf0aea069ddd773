"""A genetic algorithm (NSGA-II), by Optuna."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .parts.study import StudyStrategy

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Nsga2(StudyStrategy):
    """A genetic algorithm (NSGA-II), by Optuna."""

    several = True

    def sampler(self, seed: int) -> BaseSampler:
        """With its usual population of 50."""
        from optuna.samplers import NSGAIISampler

        return NSGAIISampler(seed=seed)
