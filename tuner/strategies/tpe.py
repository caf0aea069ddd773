"""Tree-structured Parzen estimators, by Optuna."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .parts.study import StudyStrategy

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Tpe(StudyStrategy):
    """Tree-structured Parzen estimators, by Optuna."""

    several = True

    def sampler(self, seed: int) -> BaseSampler:
        """Ten random trials come first."""
        from optuna.samplers import TPESampler

        return TPESampler(seed=seed, n_startup_trials=10)
