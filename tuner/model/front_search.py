"""The search for several objectives, or for one that is not the latency; proved where bounds leave nothing open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tilery.backends.tunable import Config

from ..budget import Budget
from ..interrupts import heard
from ..progress import Watcher
from ..registry import made
from ..space.feasibility import Landscape
from .exploration import Exploration, Outcome
from .front import Front
from .front_candidates import FrontCandidates
from .protocol import ManyModel
from .search import AUTO, mixture

MOST = 200_000
"""The most configurations whose every bound is kept, for whose columns some 100 MB are needed."""


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
) -> Outcome:
    """Times the default, then `seeds`, then what the strategies propose in turn. Ctrl-C ends it with what was found.

    Raises `Refused` if the default does not fit.
    """
    run = Exploration(model, front, budget, watch, [each.field for each in model.objectives])
    run.begin(default)
    candidates = FrontCandidates(front, seed)
    names = mixture(("brute", "vnd", AUTO), sampler, whole=False)
    return run.run(lambda: [made(name, candidates, seed) for name in names], seeds)


def front_of(model: ManyModel, landscape: Landscape) -> Front:
    """The bounds on every objective, which no slots change, of what has been screened.

    Of more than `MOST` those with the best bounds on the latency are kept. Interrupted, before or now, the best alone: the
    default will be all that is timed.
    """
    space, indices = landscape.space, landscape.order[: 1 if landscape.interrupted else MOST]
    try:
        _, vectors = model.screen_all(space.columns(indices))
    except KeyboardInterrupt:
        if landscape.interrupted:
            raise
        heard()
        return front_of(model, replace(landscape, interrupted=True))
    sort = np.lexsort((indices, *vectors.T[::-1]))
    cut = len(indices) < len(landscape.order)
    return Front(replace(landscape, order=indices[sort], bounds=vectors[sort, 0]), vectors[sort], cut=cut)
