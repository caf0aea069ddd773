"""The whole tuning of one kernel for one shape and one chip: screen, search, verify."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..backends.chips import Chip
from ..backends.tunable import Config
from ..dsl import program
from ..dsl.errors import TileryError, UsageError
from .adapt import adapt
from .engine_model import EngineModel
from .feasibility import survey
from .progress import Progress, Watcher
from .result import Rejected, Result, Scored
from .sampler import check_sampler
from .search import Budget, Outcome, search
from .space import Space
from .trials import Trial, Trials
from .verify import Verification, verify

OBJECTIVES = ("latency",)
FINALISTS = 8
"""How many of the best are executed before the search is given up as wrong."""
RUNNERS_UP = 3


class NothingVerified(TileryError):
    """Every finalist gave wrong values."""


@dataclass(frozen=True)
class _Finalist:
    trial: Trial
    verification: Verification
    rejected: tuple[Rejected, ...]


def autotune(
    kernel: program.Kernel,
    dims: Mapping[str, int],
    chip: Chip,
    *,
    cores: int = 1,
    objective: str = "latency",
    sampler: str = "tpe",
    budget_s: float | None = 20.0,
    trials: int | None = None,
    seed: int = 0,
    seeds: Sequence[Config] = (),
    progress: Watcher | None = None,
) -> Result:
    """Finds the configuration of a specialised kernel that is fastest on `chip` by the engine model.

    The budget counts the search alone; screening before it and verification after it take a few seconds more. `seeds` are
    configurations to start from, adapted to this shape. Raises `Infeasible` if nothing fits the chip, `UsageError` for an
    unknown objective or sampler, `NothingVerified` if no finalist computes what the reference says.
    """
    if objective not in OBJECTIVES:
        raise UsageError(f"there is no objective `{objective}`; there is {', '.join(OBJECTIVES)}")
    check_sampler(sampler)
    start = time.monotonic()
    model = EngineModel(kernel, dims, chip, cores)
    default = model.default()
    space = Space(model.tunables)
    landscape = survey(model, space, space.index(default), seed, _screening(start, progress))
    known = [adapt(config, space.tunables) for config in seeds]
    outcome = search(model, landscape, default, Budget(budget_s, trials), sampler=sampler, seed=seed, seeds=known, watch=progress)
    finalist = _verified(model, outcome, seed, start, progress)
    return _result(model, outcome, finalist, objective, sampler, seed, time.monotonic() - start)


def _screening(start: float, watch: Watcher | None) -> Callable[[int, int], None] | None:
    if watch is None:
        return None
    return lambda done, total: watch(Progress("screen", done, total, time.monotonic() - start, done / total))


def _verified(model: EngineModel, outcome: Outcome, seed: int, start: float, watch: Watcher | None) -> _Finalist:
    """The best trial that computes what the reference says."""
    space = outcome.trials.landscape.space
    rejected: list[Rejected] = []
    for place, trial in enumerate(outcome.trials.ranked()[:FINALISTS]):
        config = space.config(trial.index)
        if watch:
            elapsed_s = time.monotonic() - start
            watch(Progress("verify", place, FINALISTS, elapsed_s, 0.0, trial.latency_us, config, outcome.default.latency_us))
        # Other inputs for each finalist, so that no left-over of one can make another look right.
        verification = verify(model.kernel, model.dims, model.chip, config, seed + place)
        if verification.ok:
            return _Finalist(trial, verification, tuple(rejected))
        rejected.append(Rejected(trial.latency_us, config, verification.problem))
    lines = "\n".join(f"  {each.latency_us:.1f} us: {each.problem}" for each in rejected)
    raise NothingVerified(
        f"none of the {len(rejected)} fastest configurations of {model.kernel.name} gives the right values:\n{lines}"
    )


def _result(
    model: EngineModel, outcome: Outcome, finalist: _Finalist, objective: str, sampler: str, seed: int, wall_s: float
) -> Result:
    trials, landscape, kernel = outcome.trials, outcome.trials.landscape, model.kernel
    config = landscape.space.config(finalist.trial.index)
    report = model.report(config)
    return Result(
        kernel=kernel.name,
        chip=model.chip.name,
        types={name: str(kind) for name, kind in kernel.types.items()},
        dims=dict(model.dims),
        constants=dict(kernel.constants),
        objective=objective,
        config=config,
        latency_us=report.latency_us,
        bound=report.bound,
        peak_share=report.peak_share,
        default_config=landscape.space.config(outcome.default.index),
        default_latency_us=outcome.default.latency_us,
        gain=outcome.default.latency_us / report.latency_us,
        max_error=finalist.verification.max_error,
        tolerance=finalist.verification.tolerance,
        verified_dims=finalist.verification.dims,
        space=landscape.space.size,
        screened=landscape.screened,
        feasible=landscape.feasible,
        ruled_out=dict(Counter(landscape.removed) + trials.refused),
        evaluated=len(trials.done),
        stop=outcome.stop,
        headroom=max(0.0, 1 - trials.lowest_open_us() / report.latency_us),
        runners_up=_runners_up(trials, finalist.trial),
        rejected=finalist.rejected,
        sampler=sampler,
        seed=seed,
        wall_s=wall_s,
    )


def _runners_up(trials: Trials, winner: Trial) -> tuple[Scored, ...]:
    """The next best, each with other tile sizes: what differs in a knob that hardly matters is no alternative."""
    space = trials.landscape.space
    tiles = [place for place, each in enumerate(space.tunables) if each.kind == "tile"]
    seen = {tuple(space.digits(np.array([winner.index]))[0][tiles])}
    chosen: list[Scored] = []
    for trial in trials.ranked():
        sizes = tuple(space.digits(np.array([trial.index]))[0][tiles])
        if trial.rank > winner.rank and sizes not in seen:
            seen.add(sizes)
            chosen.append(Scored(trial.latency_us, space.config(trial.index)))
        if len(chosen) == RUNNERS_UP:
            break
    return tuple(chosen)
