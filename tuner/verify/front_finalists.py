"""No member of a front unchecked: each is executed; one that is wrong makes way for what it beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..budget import Times
from ..deadline import TimeUp
from ..model.exploration import Outcome
from ..model.front import nondominated, thinned
from ..model.protocol import TuningModel
from ..objectives import values_by_name
from ..progress import Progress, Watcher
from ..result import FrontPoint, Rejected, Scored
from ..trials import Trial
from .efforts import Checking, Unverified
from .finalists import FINALISTS, Finalist, NothingVerified, problem_of
from .verification import Verification, nothing_proven

SHOWN = 10
"""The largest front that is executed and kept: a second each, and nobody chooses from more."""


def verified_front(
    model: TuningModel, outcome: Outcome, seed: int, times: Times, watch: Watcher | None, check: Checking
) -> tuple[Finalist, tuple[FrontPoint, ...]]:
    """The best of the first objective and the front, of configurations that compute what the reference says.

    Of a larger front so many as `SHOWN`, spread along it; of those, what there was time for, the best of the first objective
    before all others. Raises `NothingVerified` if as many as `FINALISTS` are wrong, `Unverified` if there was time for none.
    """
    space = outcome.trials.landscape.space
    verified: dict[int, Verification] = {}
    rejected: dict[int, Rejected] = {}
    while True:
        right = (each for each in outcome.trials.ranked() if each.index not in rejected)
        chosen = thinned(nondominated(right), SHOWN if len(model.names) > 1 else 1)
        waiting = [each for each in chosen if each.index not in verified]
        if not waiting:
            break
        for place, each in enumerate(waiting):
            config = space.config(each.index)
            if watch:
                elapsed_s, default_us = times.elapsed_s, outcome.default.latency_us
                watch(Progress("verify", len(verified), len(chosen), elapsed_s, 0.0, each.latency_us, config, default_us))
            try:
                found = check(config, seed + len(verified) + len(rejected), 1 / (len(waiting) - place))
            except TimeUp:
                return _in_time(model, outcome, chosen, verified, rejected, check)
            if found.unproven:
                raise nothing_proven(model.kernel, found.unproven)
            if problem := problem_of(found, model.max_error):
                rejected[each.index] = Rejected(each.latency_us, config, problem)
                if len(rejected) == FINALISTS:
                    raise _nothing(model, rejected)
                break  # what it beat may be on the front now
            verified[each.index] = found
    return _in_time(model, outcome, chosen, verified, rejected, check)


def _in_time(
    model: TuningModel,
    outcome: Outcome,
    chosen: Sequence[Trial],
    verified: Mapping[int, Verification],
    rejected: Mapping[int, Rejected],
    check: Checking,
) -> tuple[Finalist, tuple[FrontPoint, ...]]:
    """The winner and the front of what has been verified so far."""
    right = [each for each in chosen if each.index in verified]
    if not right and not chosen:
        raise _nothing(model, rejected)  # all that was timed, fewer than `FINALISTS`
    if not right:
        raise Unverified(chosen[0].latency_us, check.interrupted)
    winner = right[0]
    scored = Scored(winner.latency_us, outcome.trials.landscape.space.config(winner.index))
    place = next(place for place, each in enumerate(outcome.trials.ranked()) if each.index == winner.index)
    finalist = Finalist(place, scored, verified[winner.index], tuple(rejected.values()))
    return finalist, tuple(_point(model, outcome, each, verified[each.index]) for each in right)


def _point(model: TuningModel, outcome: Outcome, trial: Trial, verification: Verification) -> FrontPoint:
    config = outcome.trials.landscape.space.config(trial.index)
    return FrontPoint(
        values=values_by_name(model.objectives, trial.values),
        latency_us=trial.latency_us,
        bound=model.report(config).bound,
        config=config,
        max_error=verification.max_error,
        tolerance=verification.tolerance,
    )


def _nothing(model: TuningModel, rejected: Mapping[int, Rejected]) -> NothingVerified:
    lines = "\n".join(f"  {each.latency_us:.1f} us: {each.problem}" for each in rejected.values())
    return NothingVerified(f"{len(rejected)} of the best configurations of {model.kernel.name} give wrong values:\n{lines}")
