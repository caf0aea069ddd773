"""The search for several objectives, or for one that is not the latency; proved where bounds leave nothing open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tilery.backends.machine.errors import Infeasible
from tilery.backends.tunable import Config

from ..deadline import NEVER, Deadline, TimeUp
from ..interrupts import held
from ..progress import Progress, Stop, Watcher
from ..space.configurations import Space
from ..space.feasibility import Report, survey
from ..strategies.front_arms import BoundWalk, FrontArm, FrontDescent, FrontStudy, Weighing
from ..strategies.sampler import SAMPLERS
from ..strategies.turns import Turns
from ..trials import Trial
from .front import Front
from .protocol import ManyModel
from .search import AUTO, Budget, Clock


@dataclass(frozen=True)
class FrontOutcome:
    """What a search found."""

    trials: Front
    default: Trial
    stop: Stop


def front_search(
    model: ManyModel,
    front: Front,
    default: Config,
    budget: Budget,
    *,
    sampler: str = AUTO,
    seed: int = 0,
    seeds: Sequence[Config] = (),
    watch: Watcher | None = None,
) -> FrontOutcome:
    """Times the default, then `seeds`, then what the arms propose in turn. Ctrl-C ends it with what was found.

    Raises `Infeasible` if the default is.
    """
    space, clock = front.landscape.space, Clock(budget)
    first = _timed(model, front, space.index(default))
    if first is None:
        model.measure(default)  # raises, and says why
        raise AssertionError("a default that was infeasible is feasible now")
    arms = _arms(front, first, sampler, seed)
    turns = Turns(len(arms), by_time=budget.trials is None)
    told_s, stop = 0.0, clock.spent(len(front.done))
    try:
        with clock.deadline.enforced():
            for index in dict.fromkeys(space.index(config) for config in seeds):
                allowed = bool(np.isfinite(front.landscape.bounds_of(np.array([index]))[0]))
                if allowed and index not in front.done and not (stop := stop or clock.spent(len(front.done))):
                    _tell(arms, _timed(model, front, index))
            while not stop:
                stop = clock.spent(len(front.done))
                if stop or not _turn(model, front, arms, turns):
                    break
                if watch and clock.elapsed_s - told_s > 0.1:
                    told_s = clock.elapsed_s
                    watch(standing(model, front, first, clock.elapsed_s, clock.fraction(len(front.done))))
    except TimeUp:
        stop = "budget"
    except KeyboardInterrupt:
        stop = "interrupted"
    with held() as end:
        if watch:
            watch(standing(model, front, first, clock.elapsed_s, clock.fraction(len(front.done))))
    stop = "interrupted" if end.asked else stop
    return FrontOutcome(front, first, stop or ("proved" if front.landscape.whole and not front.cut else "exhausted"))


def standing(model: ManyModel, front: Front, default: Trial, elapsed_s: float, fraction: float) -> Progress:
    """Where it stands; the best is that of the first objective."""
    best = min(front.members, key=lambda each: each.values[0])
    config = front.landscape.space.config(best.index)
    done, total = len(front.done), len(front.done) + front.open()
    return Progress(
        "search",
        done,
        total,
        elapsed_s,
        fraction,
        best.latency_us,
        config,
        default.latency_us,
        headroom=front.headroom,
        values={each.field: value for each, value in zip(model.objectives, best.values, strict=True)},
        front=len(front.members),
    )


def _arms(front: Front, first: Trial, sampler: str, seed: int) -> list[FrontArm]:
    weighing = Weighing(front.vectors, np.random.default_rng(seed))
    arms: list[FrontArm] = [BoundWalk(front, weighing), FrontDescent(front, weighing, first)]
    sampler = "tpe" if sampler == AUTO else sampler
    if SAMPLERS[sampler] is not None:
        arms.append(FrontStudy(front, weighing, sampler, seed))
    _tell(arms, first)
    return arms


def _turn(model: ManyModel, front: Front, arms: Sequence[FrontArm], turns: Turns) -> bool:
    """One trial, by the arm whose turn it is; False if none has anything to propose."""
    for place in turns.order():
        with turns.taken(place):
            proposed = arms[place].propose()
            if proposed is None:
                continue
            _tell(arms, _timed(model, front, proposed))
        return True
    return False


def _tell(arms: Sequence[FrontArm], trial: Trial | None) -> None:
    if trial:
        for each in arms:
            each.told(trial)


def _timed(model: ManyModel, front: Front, index: int) -> Trial | None:
    try:
        measured = model.measure(front.landscape.space.config(index))
    except Infeasible as error:
        front.refuse(index, error.limit)
        return None
    trial = Trial(index, measured.latency_us, measured.on_chip_bytes, measured.values)
    front.add(trial)
    return trial


MOST = 200_000
"""The most configurations whose every bound is kept, for whose columns some 100 MB are needed."""


# --- screening --------------------------------------------------------------------------------------------------------


def front_survey(
    model: ManyModel,
    space: Space,
    start: int,
    seed: int = 0,
    progress: Report | None = None,
    patience_s: float | None = None,
    deadline: Deadline = NEVER,
) -> Front:
    """Screens as `survey` does, and adds the bounds on every objective, which no slots change.

    Of more than `MOST` those with the best bounds on the latency are kept. Ctrl-C ends it with what has been screened.
    """
    landscape = survey(model, space, start, seed, progress, patience_s, deadline, keep_interrupted=True)
    indices = landscape.order[:MOST]
    _, vectors = model.screen_all(space.columns(indices))
    sort = np.lexsort((indices, *vectors.T[::-1]))
    cut = len(indices) < len(landscape.order)
    return Front(replace(landscape, order=indices[sort], bounds=vectors[sort, 0]), vectors[sort], cut=cut)
