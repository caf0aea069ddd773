"""A Gaussian process by Optuna; needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .parts.study import StudyStrategy

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Gp(StudyStrategy):
    """A Gaussian process by Optuna; needs torch."""

    several = True
    needs_package = "torch"

    def sampler(self, seed: int) -> BaseSampler:
        """With its usual number of random trials first."""
        from optuna.samplers import GPSampler

        return GPSampler(seed=seed)
