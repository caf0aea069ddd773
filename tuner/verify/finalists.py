"""No configuration wins unchecked: the best of a search are executed in turn until one computes what the reference says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from tilery.backends.tunable import Config, Tunable
from tilery.dsl.errors import TileryError

from ..deadline import TimeUp
from ..model.protocol import TuningModel
from ..result import Rejected, Scored
from .efforts import Checking, Unverified
from .verification import Verification, nothing_proven

FINALISTS = 8
"""How many of the best are executed before the search is given up as wrong."""
RUNNERS_UP = 3


class NothingVerified(TileryError):
    """Every finalist gave wrong values."""


@dataclass(frozen=True)
class Finalist:
    """The best that is right."""

    place: int
    """Among the ranked ones."""
    scored: Scored
    verification: Verification
    rejected: tuple[Rejected, ...]
    """Better ones that are wrong."""


def first_right(
    model: TuningModel,
    ranked: Iterable[Scored],
    seed: int,
    told: Callable[[int, Scored], None] | None = None,
    check: Checking | None = None,
) -> Finalist:
    """The first of `ranked`, best first, that computes what the reference says; `told` hears of each before it is executed.

    Raises `NothingVerified` if none of the first `FINALISTS` does, `NothingProven` if the data show nothing of any,
    `Unverified` if the time of `check` is up before that.
    """
    check = check or Checking(model)
    rejected: list[Rejected] = []
    for place, each in enumerate(islice(ranked, FINALISTS)):
        if told:
            told(place, each)
        # Other inputs for each finalist, so that no left-over of one can make another look right.
        try:
            verification = check(each.config, seed + place)
        except TimeUp:
            raise Unverified(each.latency_us, check.interrupted) from None
        if verification.unproven:
            raise nothing_proven(model.kernel, verification.unproven)
        problem = problem_of(verification, model.max_error)
        if not problem:
            return Finalist(place, each, verification, tuple(rejected))
        rejected.append(Rejected(each.latency_us, each.config, problem))
    lines = "\n".join(f"  {each.latency_us:.1f} us: {each.problem}" for each in rejected)
    raise NothingVerified(
        f"none of the {len(rejected)} fastest configurations of {model.kernel.name} gives the right values:\n{lines}"
    )


def problem_of(verification: Verification, max_error: float | None) -> str:
    """Why a finalist may not win; empty if it may."""
    if verification.ok and max_error is not None and verification.max_error > max_error:
        return f"the error {verification.max_error:.2e} is over the {max_error:g} allowed"
    return verification.problem


def runners_up(ranked: Iterable[Scored], finalist: Finalist, tunables: Sequence[Tunable]) -> tuple[Scored, ...]:
    """The next best after the winner, each with other tile sizes: another knob alone makes no alternative."""
    tiles = [each.name for each in tunables if each.kind == "tile"]

    def sizes(config: Config) -> tuple[object, ...]:
        return tuple(config[name] for name in tiles)

    chosen: dict[tuple[object, ...], Scored] = {}
    for each in islice(ranked, finalist.place + 1, None):
        if sizes(each.config) != sizes(finalist.scored.config):
            chosen.setdefault(sizes(each.config), each)
        if len(chosen) == RUNNERS_UP:
            break
    return tuple(chosen.values())
