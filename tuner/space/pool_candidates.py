"""The candidates of a strategy in a `Search`: the feasible configurations that have not been asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..strategies.parts.points import Points
from ..strategy import Numbers, Rank
from .given import Value
from .pool import Pool


class PoolCandidates:
    """A pool with what was asked and told so far. A candidate's number is its row in the pool. There is one objective, which is
    the goal."""

    objectives = 1

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.asked: set[int] = set()
        self.told: dict[int, float] = {}
        """Values by row; infinite for a failure."""
        self._points = Points(pool.values)
        self._names = np.array([any(isinstance(each, str) for each in values) for values in pool.values])

    @property
    def names(self) -> Sequence[str]:
        """The parameters."""
        return self.pool.names

    @property
    def values(self) -> Sequence[Sequence[Value]]:
        """The domain of each parameter."""
        return self.pool.values

    def any_open(self) -> bool:
        """Whether any candidate is left."""
        return len(self.asked) < len(self.pool.rows)

    def is_open(self, number: int) -> bool:
        """Whether this row exists and has not been asked for."""
        return 0 <= number < len(self.pool.rows) and number not in self.asked

    def open(self) -> Numbers:
        """All rows that have not been asked for."""
        mask = np.ones(len(self.pool.rows), dtype=bool)
        mask[list(self.asked)] = False
        return np.flatnonzero(mask)

    def ahead(self) -> Numbers:
        """The row with the best bound; without bounds the first."""
        places = self.open()
        bounds = self.pool.bounds
        return places[:1] if bounds is None or not len(places) else places[[np.argmin(bounds[places])]]

    def nearest(self, digits: Numbers) -> int | None:
        """The nearest open row, by the distance of points."""
        places = self.open()
        if not len(places):
            return None
        points = self._points.of(self.pool.rows[places])
        return int(places[np.argmin(((points - self._points.of(digits[None])) ** 2).sum(axis=1))])

    def digits(self, numbers: Numbers) -> Numbers:
        """The rows at these places."""
        return self.pool.rows[numbers].astype(np.int64)

    def bounds(self, numbers: Numbers) -> NDArray[np.float64] | None:
        """The model's predictions for these rows, if there is a model."""
        return None if self.pool.bounds is None else self.pool.bounds[numbers][:, None]

    def best(self) -> Numbers:
        """The row with the least value."""
        finite = [place for place, value in self.told.items() if math.isfinite(value)]
        return np.array([min(finite, key=lambda place: self.told[place])] if finite else [], np.int64)

    def goal(self) -> PoolCandidates:
        """The only goal."""
        return self

    def rank(self, number: int) -> Rank:
        """By value, then by place."""
        return self.told[number], number

    def around(self, number: int, level: int) -> Numbers:
        """The open rows near a row, those with the best predictions first. Level 0: one parameter differs by one step; 1: one
        differs by any distance; 2: two differ by one step each. Names have no order: any other name is one step away."""
        places = self.open()
        apart = np.abs(self.pool.rows[places].astype(np.int64) - self.pool.rows[number])
        found = (apart > 0).sum(axis=1) == (2 if level == 2 else 1)
        if level != 1:
            found &= ((apart <= 1) | self._names).all(axis=1)
        places = places[found]
        bounds = self.pool.bounds
        return places if bounds is None else np.asarray(places[np.argsort(bounds[places], kind="stable")])
