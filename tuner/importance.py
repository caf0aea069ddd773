"""Which knobs mattered: how much of the variance each explains, and how much slower the winner is with another value of it.

There are two figures, because either alone misleads. The share of the variance is the first-order Sobol index of the logarithm of
the lower bounds, over the feasible configurations that were screened. These are hundreds of thousands, and the search did not
choose them, so the figure is not biased by where the search looked. But lower bounds ignore slots and stalls. So every other
value of each knob is timed exactly as well, with all else as in the winner.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilery.backends.tunable import Config

from .model.protocol import Model, Refused
from .space.configurations import Space
from .space.feasibility import Landscape

ROWS = 200_000
"""Configurations among which shares are computed: more change them by less than a percent."""
SECONDS = 2.0
"""For the exact timings."""


@dataclass(frozen=True, slots=True)
class Importance:
    """How much one tunable matters."""

    name: str
    spread_share: float
    """The share of the variance of the logarithm of the lower bounds that this tunable alone explains, 0 to 1."""
    mean_loss: float | None
    """How many times worse the winner becomes with another choice, in the geometric mean; None if no other one was timed."""
    max_loss: float | None
    """The same of the worst choice."""
    misfits: int
    """How many of its other choices, with all else as in the winner, do not fit the chip."""

    @property
    def rank(self) -> tuple[float, float]:
        """Sorts what matters most last."""
        return self.mean_loss or 1.0, self.spread_share


def importances(model: Model, landscape: Landscape, winner: Config, seconds: float = SECONDS) -> tuple[Importance, ...]:
    """The importance of every tunable with a choice, the most important first, as far as time allows."""
    if seconds <= 0:
        return ()
    space = landscape.space
    shares = spread_shares(space, landscape)
    start = time.monotonic()
    best = _value(model, winner)
    found = []
    for each in space.tunables:
        if len(each.values) < 2:
            continue
        ratios, misfits = [], 0
        for value in each.values:
            if value == winner[each.name] or time.monotonic() - start > seconds or best is None or best <= 0:
                continue
            other = _allowed(model, landscape, {**winner, each.name: value})
            if other is None:
                misfits += 1
            else:
                ratios.append(other / best)
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios and min(ratios) > 0 else None
        found.append(Importance(each.name, shares[each.name], mean, max(ratios, default=None), misfits))
    return tuple(sorted(found, key=lambda each: each.rank, reverse=True))


def spread_shares(space: Space, landscape: Landscape) -> dict[str, float]:
    """The share of the variance that the mean for each choice of a tunable explains."""
    rows = np.arange(len(landscape.order))
    if len(rows) > ROWS:
        rows = np.random.default_rng(0).choice(rows, ROWS, replace=False)
    logs = np.log(np.maximum(landscape.bounds[rows], 1e-300))
    columns = space.columns(landscape.order[rows])
    total = float(logs.var()) if len(logs) else 0.0  # no time was left to screen anything
    # Listed configurations have as many slots as fit. A share of the slots would only say how full the chip is.
    slots = {each.name for each, is_slots in zip(space.tunables, space.slots, strict=True) if is_slots}
    return {name: 0.0 if name in slots else _share(logs, column, total) for name, column in columns.items()}


def _share(logs: NDArray[np.float64], column: NDArray[np.integer], total: float) -> float:
    count = np.bincount(column)
    # Bounds that are all but equal leave no spread to explain.
    if total <= 1e-12 or (count > 0).sum() < 2:
        return 0.0
    mean = np.bincount(column, weights=logs) / np.maximum(count, 1)
    between = float((count * (mean - logs.mean()) ** 2).sum() / len(logs))
    return min(1.0, between / total)


def _allowed(model: Model, landscape: Landscape, config: Config) -> float | None:
    """The value of a configuration; None if it does not fit or may not be chosen."""
    bound = landscape.bounds_of(np.array([landscape.space.index(config)]))[0]
    return _value(model, config) if np.isfinite(bound) else None


def _value(model: Model, config: Config) -> float | None:
    try:
        measured = model.measure(config)
    except Refused:
        return None
    return measured.values[0] if measured.values else measured.latency_us
