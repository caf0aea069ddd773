"""The search for the least latency: exact timing of what screening left, until proved, out of budget or interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tilery.backends.tunable import Config

from ..budget import Budget
from ..progress import Watcher
from ..registry import made
from ..space.feasibility import Landscape
from ..strategy import Source
from ..trials import Trials
from .exploration import Exploration, Outcome
from .latency_candidates import LatencyCandidates
from .protocol import Model

if TYPE_CHECKING:
    from ..together.exchange import Exchange
    from ..together.shared import SharedStudy

AUTO = "auto"
"""The strategy if none is named: none if the space was screened whole, because its lower bounds suffice; else TPE."""


def mixture(order: Sequence[str], sampler: str, whole: bool) -> tuple[str, ...]:
    """The strategies that take turns: `order`, in which AUTO stands for the one that is named, each once.

    Descent, sampler and bounds in equal parts: of a dozen mixtures tried on four kernels none did better on all.
    """
    named = ("" if whole else "tpe") if sampler == AUTO else sampler
    return tuple(dict.fromkeys(name for each in order if (name := named if each == AUTO else each)))


def search(
    model: Model,
    landscape: Landscape,
    default: Config,
    budget: Budget,
    *,
    sampler: str = AUTO,
    seed: int = 0,
    seeds: Sequence[Config] = (),
    watch: Watcher | None = None,
    others: SharedStudy | None = None,
) -> Outcome:
    """Times the default, then `seeds`, then what the strategies propose in turn; last, whether the best can do with fewer slots.

    Ctrl-C ends it with what was found. With `others` it exchanges its best with the other workers of that study, now and then
    and at the end. Raises `Refused` if the default does not fit; everything after it is compared with it.
    """
    trials = Trials(landscape)
    run = Exploration(model, trials, budget, watch)
    run.begin(default)
    candidates = LatencyCandidates(trials)
    names = mixture(("vnd", AUTO, "brute"), sampler, landscape.whole)
    exchange = _exchange(others, trials)

    def sources() -> list[Source]:
        return [*(made(name, candidates, seed) for name in names), *([exchange] if exchange else [])]

    return run.run(sources, seeds, lambda: _tighten(run, trials), exchange.leave if exchange else lambda: None)


def _tighten(run: Exploration, trials: Trials) -> bool:
    """Times the best with one slot fewer; True if that is as fast, and so better, because it takes less memory."""
    before = trials.best
    assert before
    for index in trials.landscape.space.fewer_slots(before.index):
        if int(index) not in trials.done:
            run.timed(int(index))
            if trials.best is not before:
                return True
    return False


def _exchange(study: SharedStudy | None, trials: Trials) -> Exchange | None:
    if study is None:
        return None
    from ..together.exchange import Exchange  # brings Optuna along

    return Exchange(study, trials)


def adopt(model: Model, outcome: Outcome, study: SharedStudy) -> None:
    """Times what the other workers of a study have found since the search ended, so that the best of all can win."""
    trials = outcome.trials
    assert isinstance(trials, Trials)
    exchange = _exchange(study, trials)
    assert exchange
    run = Exploration(model, trials, Budget(None))
    while (index := exchange.propose()) is not None:
        run.timed(index)
