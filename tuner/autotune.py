"""The whole tuning of one kernel for one shape and one chip: screen, search, verify."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from ..backends.chips import Chip
from ..backends.tunable import Config
from ..dsl import program
from ..dsl.errors import UsageError
from .adapt import adapt
from .engine_model import EngineModel
from .feasibility import survey
from .finalists import FINALISTS, Finalist, first_right, runners_up
from .progress import Progress, Watcher
from .result import Result, Scored
from .sampler import check_sampler
from .search import Budget, Outcome, search
from .space import Space

OBJECTIVES = ("latency",)


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
    landscape = survey(model, space, space.index(default), seed, screening(start, progress))
    known = [adapt(config, space.tunables) for config in seeds]
    outcome = search(model, landscape, default, Budget(budget_s, trials), sampler=sampler, seed=seed, seeds=known, watch=progress)
    finalist = _verified(model, outcome, seed, start, progress)
    return _result(model, outcome, finalist, objective, sampler, seed, time.monotonic() - start)


def screening(start: float, watch: Watcher | None) -> Callable[[int, int], None] | None:
    """What tells a watcher of the screening, in the form in which `survey` takes it."""
    if watch is None:
        return None
    return lambda done, total: watch(Progress("screen", done, total, time.monotonic() - start, done / total))


def _verified(model: EngineModel, outcome: Outcome, seed: int, start: float, watch: Watcher | None) -> Finalist:
    """The best trial that computes what the reference says."""

    def told(place: int, each: Scored) -> None:
        if watch:
            elapsed_s = time.monotonic() - start
            default_us = outcome.default.latency_us
            watch(Progress("verify", place, FINALISTS, elapsed_s, 0.0, each.latency_us, each.config, default_us))

    return first_right(model, _ranked(outcome), seed, told)


def _result(
    model: EngineModel, outcome: Outcome, finalist: Finalist, objective: str, sampler: str, seed: int, wall_s: float
) -> Result:
    trials, landscape, kernel = outcome.trials, outcome.trials.landscape, model.kernel
    config = finalist.scored.config
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
        runners_up=runners_up(_ranked(outcome), finalist, landscape.space.tunables),
        rejected=finalist.rejected,
        sampler=sampler,
        seed=seed,
        wall_s=wall_s,
    )


def _ranked(outcome: Outcome) -> Iterator[Scored]:
    """What was timed, fastest first."""
    space = outcome.trials.landscape.space
    return (Scored(each.latency_us, space.config(each.index)) for each in outcome.trials.ranked())
