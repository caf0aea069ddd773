"""Reads the options of a tuning, from the command line or Python, into one record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tilery.dsl.errors import UsageError
from tilery.dsl.report import did_you_mean

from ..command.shared.duration import USUAL, USUAL_MEASURED, left_of, read_budget, seconds
from ..tuner.options import Options
from . import checks

if TYPE_CHECKING:
    from ..tuner.measured.campaign import Measure
    from ..tuner.strategy import Strategy

MEANT: Mapping[str, str] = {
    "strategy": "sampler",
    "dims": "shapes",
    "timeout": "measure_timeout",
    "time": "budget",
    "iterations": "trials",
    "n_trials": "trials",
    "workers": "jobs",
    "n_jobs": "jobs",
    "command": "measure",
    "random_state": "seed",
}
"""Options of other tools, with their names here."""


def read_options(
    began_s: float,
    *,
    budget: str | float | None = None,
    trials: int | None = None,
    objective: str = "latency",
    max_error: float | None = None,
    sampler: str | type[Strategy] | None = None,
    seed: int = 0,
    measure: str | Measure | None = None,
    measure_timeout: str | float | None = None,
    storage: str | None = None,
    jobs: int = 1,
    grace: str | float | None = None,
    resume: bool = False,
) -> Options:
    """The record of options, with what is left of the budget. `began_s` is when the command began. Raises `UsageError` for what
    cannot be read. A measuring function is no data, and not part of the record."""
    checks.text("objective", objective)
    if storage is not None:
        checks.text("storage", storage)
    if measure is not None and not callable(measure):
        checks.text("measure", measure)
    budget_s, most = read_budget(budget, trials, USUAL_MEASURED if measure is not None else USUAL)
    return Options(
        objective=objective,
        max_error=max_error,
        sampler=_sampler(sampler),
        budget_s=left_of(budget_s, began_s),
        trials=most,
        seed=seed,
        measure=measure if isinstance(measure, str) else None,
        measure_timeout_s=None if measure_timeout is None else seconds(measure_timeout),
        storage=storage,
        jobs=jobs,
        grace_s=None if grace is None else max(1, round(seconds(grace))),
        resume=resume,
    )


def function_of(measure: str | Measure | None) -> Measure | None:
    """`measure` if it is a function, else None."""
    return None if isinstance(measure, str) else measure


def no_others(function: Callable[..., object], unknown: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raises `UsageError` for an unknown keyword, and suggests the nearest one."""
    known = list(known)
    for name in unknown:
        hint = f"did you mean `{MEANT[name]}`?" if name in MEANT else did_you_mean(name, known)
        raise UsageError(f"{function.__name__} takes no `{name}`; {hint or 'it takes ' + ', '.join(known)}")


def _sampler(sampler: str | type[Strategy] | None) -> str | None:
    if not isinstance(sampler, type):
        return sampler
    from ..tuner.registry import register

    return register(sampler)
