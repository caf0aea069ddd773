"""Covariance matrix adaptation (CMA-ES) by Optuna; needs cmaes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .parts.study import StudyStrategy

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class CmaEs(StudyStrategy):
    """Covariance matrix adaptation (CMA-ES) by Optuna; needs cmaes."""

    needs_package = "cmaes"
    numeric = True

    def sampler(self, seed: int) -> BaseSampler:
        """It knows neither names nor several objectives."""
        from optuna.samplers import CmaEsSampler

        return CmaEsSampler(seed=seed)
