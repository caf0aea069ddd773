"""The whole tuning of one kernel for one shape and one chip by the engine model: screen, search, verify."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from .budget import Times
from .concluding import Ending, result_of
from .deadline import OVER
from .findings import Findings
from .importance import SECONDS, importances
from .model.exploration import Outcome
from .model.protocol import TuningModel
from .model.search import AUTO, adopt, search
from .objectives import values_by_name
from .options import Options
from .preparing import Prepared, set_up
from .progress import Progress, Stop, Watcher
from .result import FrontPoint, Result, Scored
from .setting_up import setting_up
from .together.sharing import ALONE, Sharing
from .verify.efforts import Checking, concluded
from .verify.finalists import FINALISTS, Finalist, first_right

if TYPE_CHECKING:
    from .together.shared import SharedStudy

SCREENING = 0.5
"""The part of the search's time that screening may take."""


def autotune(
    model: TuningModel,
    options: Options,
    *,
    progress: Watcher | None = None,
    sharing: Sharing = ALONE,
    keep: Callable[[Findings], None] | None = None,
) -> Result:
    """Finds the configuration that is best by the model.

    With several objectives the result has a front to choose from, and its first objective's best as the winner. Element types
    that the text leaves to a `tune` are searched if `max_error` bounds the error, or if `error` is an objective.
    The budget bounds all of it, screening and verification included, and begins now. `keep` is given all that the search saw
    when it ends. Raises what the model says if nothing fits the chip, `UsageError` where options do not go together, the chip
    has no numbers for an objective, or nothing meets the error bound; `NothingVerified` if no finalist computes what the
    reference says.
    """
    times = Times.of(options.budget_s)
    options.check(cores=model.cores)
    if progress:
        progress(Progress("prepare", 0, 1, 0.0, 0.0))
    with setting_up(model.kernel.name, times):
        _ = model.objectives  # says now if the chip has no numbers for them
    study = sharing.join(model, options.objective) if sharing.url else None
    watch = _with_bounds(model, progress)
    ground = set_up(model, options, times, watch, by_model=True).screened(SCREENING, math.inf)
    with sharing.helpers as helpers:
        outcome = searched(ground, study)
        helpers.finish(OVER if outcome.stop in ("interrupted", "proved", "budget") else times.searching)
    if study:
        adopt(model, outcome, study)
    if keep:
        keep(Findings(model, outcome))
    return concluded(lambda stop: _concluded(ground, outcome, stop), outcome.stop)


def searched(ground: Prepared, study: SharedStudy | None = None) -> Outcome:
    """The search alone; with a study, its workers exchange their best."""
    model, landscape, options = ground.model, ground.landscape, ground.options
    sampler = options.sampler or AUTO
    if model.names == ("latency",):
        outcome = search(
            model,
            landscape,
            ground.default,
            ground.budget,
            sampler=sampler,
            seed=options.seed,
            seeds=ground.known,
            watch=ground.watch,
            others=study,
        )
    else:
        from .model.front_search import front_of, front_search

        front = front_of(model, landscape)
        ground = replace(ground, landscape=front.landscape)
        outcome = front_search(
            model,
            front,
            ground.default,
            ground.budget,
            sampler=sampler,
            seed=options.seed,
            seeds=ground.known,
            watch=ground.watch,
        )
    return replace(outcome, stop="interrupted") if ground.landscape.interrupted else outcome


def _concluded(ground: Prepared, outcome: Outcome, stop: Stop) -> Result:
    """The best that is right, and what it is worth."""
    model, options = ground.model, ground.options
    check = Checking.of(model, ground.times.all, stop == "interrupted")
    front: tuple[FrontPoint, ...] = ()
    if model.names == ("latency",):
        finalist = _verified(ground, outcome, check)
    else:
        from .verify.front_finalists import verified_front

        finalist, front = verified_front(model, outcome, options.seed, ground.times, ground.watch, check)
    trials = outcome.trials
    ending = Ending(
        options.objective,
        options.sampler or AUTO,
        "interrupted" if check.interrupted else _ending(outcome.stop, model),
        _ranked(outcome),
        Counter(trials.landscape.removed) + trials.refused,
        len(trials.done),
        trials.headroom,
    )
    found = result_of(ground, finalist, ending)
    left_s = 0.0 if check.interrupted else min(SECONDS, ground.times.all.left_s)
    return replace(
        found,
        values=values_by_name(model.objectives, model.measure(found.config).values),
        default_values=values_by_name(model.objectives, model.measure(ground.default).values),
        front=front if len(model.names) > 1 else (),
        importance=importances(model, trials.landscape, found.config, left_s),
    )


def _with_bounds(model: TuningModel, watch: Watcher | None) -> Watcher | None:
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


def _verified(ground: Prepared, outcome: Outcome, check: Checking) -> Finalist:
    """The best trial that computes what the reference says."""

    def told(place: int, each: Scored) -> None:
        if ground.watch:
            default_us = outcome.default.latency_us
            elapsed_s = ground.times.elapsed_s
            ground.watch(Progress("verify", place, FINALISTS, elapsed_s, 0.0, each.latency_us, each.config, default_us))

    return first_right(ground.model, _ranked(outcome), ground.options.seed, told, check)


def _ending(stop: Stop, model: TuningModel) -> Stop:
    """Nothing is proved of choices that were left out of the space."""
    return "exhausted" if stop == "proved" and model.left_out else stop


def _ranked(outcome: Outcome) -> Iterator[Scored]:
    """What was timed, the best of the first objective first."""
    space = outcome.trials.landscape.space
    return (Scored(each.latency_us, space.config(each.index)) for each in outcome.trials.ranked())
