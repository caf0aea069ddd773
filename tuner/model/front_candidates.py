"""The candidates of a search for several objectives: configurations that might still join the front."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..strategy import Numbers, Rank
from .distances import Distances
from .front import Front
from .numbered import Numbered
from .weighing import Weighing, Weights

LISTED = 20_000
"""How many of the evenly weighted best bounds are listed."""
AHEAD = 8
"""Configurations taken in one look at all the bounds."""


class FrontCandidates(Numbered):
    """Screened configurations by their number in the space. Every goal weighs the objectives otherwise."""

    def __init__(self, front: Front, seed: int) -> None:
        super().__init__(front.landscape.space)
        self._front = front
        self._weighing = Weighing(front.vectors, np.random.default_rng(seed))

    @property
    def objectives(self) -> int:
        """How many."""
        return int(self._front.vectors.shape[1])

    def any_open(self) -> bool:
        """Whether anything might join the front."""
        return bool(self._front.joinable.any())

    def is_open(self, number: int) -> bool:
        """Whether it might."""
        return bool(self._front.joinable[self._front.places(np.array([number]))].any())

    def open(self) -> Numbers:
        """The listed ones that might, those of evenly weighted best bounds first."""
        return self._front.order[self._listed[self._front.joinable[self._listed]]]

    def ahead(self) -> Numbers:
        """The next few of the weights whose turn it is."""
        places = np.flatnonzero(self._front.joinable)
        if not len(places):
            return places
        numbers = self._weighing.number(self._front.vectors[places], self._weighing.draw())
        # Of equal bounds the order of the landscape puts the most generous in slots first.
        return self._front.order[places[np.argsort(numbers, kind="stable")[:AHEAD]]]

    def nearest(self, digits: Numbers) -> int | None:
        """Of the listed ones."""
        mask = self._front.joinable[self._listed]
        return int(self._front.order[self._listed[self._distances.nearest(digits, mask)]]) if mask.any() else None

    def bounds(self, numbers: Numbers) -> NDArray[np.float64] | None:
        """Of each objective."""
        return self._front.vectors[self._front.places(numbers)]

    def best(self) -> Numbers:
        """The front."""
        return np.array([each.index for each in self._front.members], np.int64)

    def goal(self) -> Weighed:
        """The next weights."""
        return Weighed(self._front, self._weighing, self._weighing.draw())

    @cached_property
    def _listed(self) -> NDArray[np.intp]:
        even = np.ones(self.objectives)
        return np.argsort(self._weighing.number(self._front.vectors, even), kind="stable")[:LISTED]

    @cached_property
    def _distances(self) -> Distances:
        return Distances(self._space, self._front.order[self._listed])


class Weighed:
    """A goal: the objectives with some weights."""

    def __init__(self, front: Front, weighing: Weighing, weights: Weights) -> None:
        self._front, self._weighing, self._weights = front, weighing, weights

    def rank(self, number: int) -> Rank:
        """The weighted number of what it came to."""
        trial = self._front.done[number]
        return (float(self._weighing.number(np.array([trial.values]), self._weights)[0]) if trial else math.inf,)

    def around(self, number: int, level: int) -> Numbers:
        """What stands for the neighbours, the best weighted bounds first."""
        front, space = self._front, self._front.landscape.space
        neighbours = (space.steps, space.lines, space.pairs)[level](number)
        places = front.places(front.landscape.lifted(neighbours))
        places = places[front.joinable[places]]
        return front.order[places[np.argsort(self._weighing.number(front.vectors[places], self._weights), kind="stable")]]
