"""The candidates of a search for the least latency: configurations whose lower bounds are below the best so far."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ..strategy import Numbers, Rank
from ..trials import Trials
from .distances import Distances
from .numbered import Numbered

LISTED = 20_000
"""How many of the best lower bounds are listed: a millisecond of numpy."""
AHEAD = 8


class LatencyCandidates(Numbered):
    """Screened configurations by their number in the space. It has one objective, and one goal: itself."""

    objectives = 1

    def __init__(self, trials: Trials) -> None:
        super().__init__(trials.landscape.space)
        self._trials = trials
        self._listed = trials.landscape.order[:LISTED]
        self._new = np.ones(len(self._listed), dtype=bool)
        self._seen = 0

    def any_open(self) -> bool:
        """Whether a listed one has not been timed and may still win."""
        return bool(self._open().any())

    def is_open(self, number: int) -> bool:
        """Whether it has not been timed, fits, and may still win; listed or not."""
        if not 0 <= number < self._space.size or number in self._trials.done:
            return False
        return bool(self._trials.landscape.bounds_of(np.array([number]))[0] < self._trials.best_us)

    def open(self) -> Numbers:
        """The listed ones that may still win, best lower bound first."""
        return self._listed[: len(mask := self._open())][mask]

    def ahead(self) -> Numbers:
        """The next few by their bounds."""
        return self._trials.nearest_open(AHEAD)

    def nearest(self, digits: Numbers) -> int | None:
        """Of the listed ones; where these are a sample, which shall not confine a strategy, the one that is asked for."""
        mask = self._open()
        if not mask.any():
            return None
        if not self._trials.landscape.whole and len(found := self._trials.promising(self._space.indices(digits[None]))):
            return int(found[0])
        return int(self._listed[self._distances.nearest(digits, mask)])

    def bounds(self, numbers: Numbers) -> NDArray[np.float64] | None:
        """Of the latency."""
        places = self._by_number[np.searchsorted(self._listed, numbers, sorter=self._by_number).clip(max=len(self._listed) - 1)]
        listed = self._listed[places] == numbers
        found = np.where(listed, self._trials.landscape.bounds[places], math.inf)
        found[~listed] = self._trials.landscape.bounds_of(numbers[~listed])
        return np.asarray(found)[:, None]

    def best(self) -> Numbers:
        """The fastest."""
        return np.array([self._trials.best.index] if self._trials.best else [], np.int64)

    def goal(self) -> LatencyCandidates:
        """There is only one."""
        return self

    def rank(self, number: int) -> Rank:
        """By latency, then by bytes on the chip."""
        trial = self._trials.done[number]
        return trial.rank if trial else (math.inf,)

    def around(self, number: int, level: int) -> Numbers:
        """What stands for the neighbours, best lower bound first."""
        return self._trials.promising((self._space.steps, self._space.lines, self._space.pairs)[level](number))

    @cached_property
    def _distances(self) -> Distances:
        return Distances(self._space, self._listed)

    @cached_property
    def _by_number(self) -> NDArray[np.intp]:
        return np.argsort(self._listed, kind="stable")

    @cached_property
    def _places(self) -> dict[int, int]:
        return {int(index): place for place, index in enumerate(self._listed)}

    def _open(self) -> NDArray[np.bool_]:
        """Of the listed ones whose bounds are better than the best: which have not been timed, or refused."""
        for index in islice(self._trials.done, self._seen, None):
            if (place := self._places.get(index)) is not None:
                self._new[place] = False
        self._seen = len(self._trials.done)
        return self._new[: self._trials.landscape.below(self._trials.best_us)]
