"""The whole tuning of one kernel for one shape and one chip: screen, search, verify."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tilery.backends.chips import Chip
from tilery.backends.tunable import Config
from tilery.dsl import program
from tilery.dsl.errors import UsageError

from .deadline import OVER, Deadline
from .findings import Findings
from .importance import SECONDS, importances
from .model.engine_model import EngineModel
from .model.search import AUTO, Budget, Outcome, adopt, search
from .objectives import read_objectives, values_by_name
from .progress import Progress, Stop, Watcher
from .result import FrontPoint, Result, Scored
from .results.adapt import adapt
from .setting_up import setting_up
from .space.configurations import Space
from .space.feasibility import Landscape, survey
from .together.sharing import ALONE, Sharing
from .verify.efforts import Checking, concluded
from .verify.finalists import FINALISTS, Finalist, first_right, runners_up

if TYPE_CHECKING:
    from .model.front import Front
    from .model.front_search import FrontOutcome

RESERVE, MOST_RESERVE_S = 0.25, 2.0
"""What part of a budget is kept for the verification, and how many seconds at most."""


def reserve_s(budget_s: float | None) -> float:
    """What is kept for the verification."""
    return 0.0 if budget_s is None else min(RESERVE * budget_s, MOST_RESERVE_S)


def autotune(
    kernel: program.Kernel,
    dims: Mapping[str, int],
    chip: Chip,
    *,
    cores: int = 1,
    objective: str = "latency",
    max_error: float | None = None,
    sampler: str = AUTO,
    budget_s: float | None = 20.0,
    trials: int | None = None,
    seed: int = 0,
    seeds: Sequence[Config] = (),
    progress: Watcher | None = None,
    sharing: Sharing = ALONE,
    keep: Callable[[Findings], None] | None = None,
) -> Result:
    """Finds the configuration of a specialised kernel that is best on `chip` by the engine model.

    `objective` is `latency`, `energy` (joules a run), `cost` (its price) or `error`, or several with commas between: the result
    then has a front to choose from, and its first objective's best as the winner. Element types that the text leaves to a
    `tune` are searched if `max_error` bounds the error, relative to the scale of the result, or if `error` is an objective.
    The budget bounds all of it, screening and verification included, and begins now. `seeds` are
    configurations to start from, adapted to this shape; `keep` is given all that the search saw when it ends. Raises
    `Infeasible` if nothing fits the chip, `UsageError` for an unknown objective or sampler, or where the chip has no numbers
    for an objective or nothing meets the error bound;
    `NothingVerified` if no finalist computes what the reference says.
    """
    names = read_objectives(objective)
    if sampler != AUTO:
        from .strategies.sampler import check_sampler  # brings Optuna along

        check_sampler(sampler)
    start, deadline = time.monotonic(), Deadline.after(budget_s)
    if progress:
        progress(Progress("prepare", 0, 1, 0.0, 0.0))
    model = EngineModel(kernel, dims, chip, cores, names, max_error)
    with setting_up(kernel.name, deadline):
        _ = model.objectives  # says now if the chip has no numbers for them
        progress = _with_bounds(model, progress)
        default, space = model.default(), Space(model.tunables)
        report = screening(start, progress, default, model.measure(default).latency_us)
    # What is left for the search is spent on screening to a half at most; some is kept for the verification.
    searching = deadline.earlier(reserve_s(budget_s))
    screened = searching.share(0.5)
    patience_s = None if budget_s is None else screened.left_s
    known = [adapt(config, space.tunables) for config in seeds]
    task = _Task(model, space, default, Times(start, searching, deadline), trials, sampler, seed, progress)
    if names != ("latency",):
        if sharing.url:
            raise UsageError(f"searches for {objective} cannot be shared yet; leave --storage and --jobs out")
        from .model.front_search import front_survey  # brings Optuna along

        front = front_survey(model, space, space.index(default), seed, report, patience_s, screened)
        return _front_of(task, front, known, objective, keep)
    study = sharing.join(model, objective) if sharing.url else None
    landscape = survey(model, space, space.index(default), seed, report, patience_s, screened, keep_interrupted=True)
    with sharing.helpers as helpers:
        outcome = search(
            model,
            landscape,
            default,
            task.budget(landscape),
            sampler=sampler,
            seed=seed,
            seeds=feasible(landscape, known),
            watch=progress,
            others=study,
        )
        if landscape.interrupted:
            outcome = replace(outcome, stop="interrupted")
        helpers.finish(OVER if outcome.stop in ("interrupted", "proved", "budget") else searching)
    if study:
        adopt(model, outcome, study)
    if keep:
        keep(Findings(model, outcome))

    def conclude(stop: Stop) -> Result:
        check = Checking.of(model, deadline, stop == "interrupted")
        return _result(task, outcome, _verified(task, outcome, check), check, objective)

    return concluded(conclude, outcome.stop)


@dataclass(frozen=True)
class Times:
    """When a tuning began, and when its parts have to be done."""

    start: float
    searching: Deadline
    all: Deadline


@dataclass(frozen=True)
class _Task:
    """What is searched, and how."""

    model: EngineModel
    space: Space
    default: Config
    times: Times
    trials: int | None
    sampler: str
    seed: int
    watch: Watcher | None

    def budget(self, landscape: Landscape) -> Budget:
        """Of the search. Interrupted already, it times the default alone, which there is an answer with."""
        if landscape.interrupted:
            return Budget(None, 1)
        left_s = self.times.searching.left_s
        return Budget(None if math.isinf(left_s) else left_s, self.trials)


def _front_of(
    task: _Task, front: Front, known: Sequence[Config], objective: str, keep: Callable[[Findings], None] | None
) -> Result:
    """The search and the verification for several objectives, or for one that is not the latency."""
    from .model.front_search import front_search  # brings Optuna along
    from .verify.front_finalists import verified_front

    model, budget = task.model, task.budget(front.landscape)
    outcome = front_search(
        model, front, task.default, budget, sampler=task.sampler, seed=task.seed, seeds=known, watch=task.watch
    )
    if front.landscape.interrupted:
        outcome = replace(outcome, stop="interrupted")
    if keep:
        keep(Findings(model, outcome))

    def conclude(stop: Stop) -> Result:
        check = Checking.of(model, task.times.all, stop == "interrupted")
        best, points = verified_front(model, outcome, task.seed, task.times.start, task.watch, check)
        return _result(task, outcome, best, check, objective, points)

    return concluded(conclude, outcome.stop)


def _left_s(deadline: Deadline, check: Checking) -> float:
    """How long it may yet take to find out what each knob is worth, which is told as far as there is time for it."""
    return 0.0 if check.interrupted else min(SECONDS, deadline.left_s)


def feasible(landscape: Landscape, configs: Sequence[Config]) -> list[Config]:
    """Those that may be chosen: an earlier tuning may have had another error bound."""
    return [each for each in configs if np.isfinite(landscape.bounds_of(np.array([landscape.space.index(each)]))[0])]


def _with_bounds(model: EngineModel, watch: Watcher | None) -> Watcher | None:
    """A watcher that is told what bounds the best too: asked of the model when there is a new best."""
    if watch is None:
        return None
    known: dict[tuple[object, ...], str] = {}

    def told(now: Progress) -> None:
        if now.best is None:
            watch(now)
            return
        key = tuple(now.best.items())
        if key not in known:
            known[key] = model.report(now.best).bound
        watch(replace(now, bound=known[key]))

    return told


def screening(
    start: float, watch: Watcher | None, default: Config | None = None, default_us: float | None = None
) -> Callable[[int, int], None] | None:
    """What tells a watcher of the screening, in the form in which `survey` takes it; the default is a first answer."""
    if watch is None:
        return None

    def told(done: int, total: int) -> None:
        elapsed_s = time.monotonic() - start
        watch(Progress("screen", done, total, elapsed_s, done / total, default_us, default, default_us))

    return told


def _verified(task: _Task, outcome: Outcome, check: Checking) -> Finalist:
    """The best trial that computes what the reference says."""

    def told(place: int, each: Scored) -> None:
        if task.watch:
            elapsed_s = time.monotonic() - task.times.start
            default_us = outcome.default.latency_us
            task.watch(Progress("verify", place, FINALISTS, elapsed_s, 0.0, each.latency_us, each.config, default_us))

    return first_right(task.model, _ranked(outcome), task.seed, told, check)


def _result(
    task: _Task,
    outcome: Outcome | FrontOutcome,
    finalist: Finalist,
    check: Checking,
    objective: str,
    front: tuple[FrontPoint, ...] = (),
) -> Result:
    model, trials, landscape = task.model, outcome.trials, outcome.trials.landscape
    kernel, wall_s = model.kernel, time.monotonic() - task.times.start
    config = finalist.scored.config
    report = model.report(config)
    default = landscape.space.config(outcome.default.index)
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
        default_config=default,
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
        stop="interrupted" if check.interrupted else _ending(outcome.stop, model),
        headroom=trials.headroom,
        runners_up=runners_up(_ranked(outcome), finalist, landscape.space.tunables),
        rejected=finalist.rejected,
        sampler=task.sampler,
        seed=task.seed,
        wall_s=wall_s,
        values=values_by_name(model.objectives, model.measure(config).values),
        default_values=values_by_name(model.objectives, model.measure(default).values),
        front=front if len(model.names) > 1 else (),
        importance=importances(model, landscape, config, _left_s(task.times.all, check)),
        max_error_allowed=model.max_error,
        structures=landscape.space.structure_count,
        structures_screened=landscape.structures,
        reduced=model.left_out,
        rounding_error=finalist.verification.rounding_error,
        rounded_to=finalist.verification.rounded_to,
    )


def _ending(stop: Stop, model: EngineModel) -> Stop:
    """Nothing is proved of choices that were left out of the space."""
    return "exhausted" if stop == "proved" and model.left_out else stop


def _ranked(outcome: Outcome | FrontOutcome) -> Iterator[Scored]:
    """What was timed, the best of the first objective first."""
    space = outcome.trials.landscape.space
    return (Scored(each.latency_us, space.config(each.index)) for each in outcome.trials.ranked())
