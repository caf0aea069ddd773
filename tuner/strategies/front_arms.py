"""Ways to come by the next configuration where there are several objectives: by bounds, by descent, and by an Optuna study.

Each arm turns the objectives into one number, the largest of the weighted distances from the best bounds (Chebyshev), with
weights that change from turn to turn: every point of a front, on a bulge or in a dent, is the best for some weights.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution

from tilery.dsl.errors import UsageError

from ..model.front import Front, Vectors
from ..trials import Trial
from .sampler import SAMPLERS

BATCH = 8
"""Configurations taken in one look at all the bounds."""
NEAR = 20_000
"""Among how many of the evenly weighted best bounds the nearest to a proposal is looked for."""


class FrontArm(Protocol):
    """One way to come by configurations."""

    def propose(self) -> int | None:
        """The number of a configuration that might join the front, or None."""

    def told(self, trial: Trial) -> None:
        """Takes note of a trial."""


class Weighing:
    """The objectives as one number."""

    def __init__(self, vectors: Vectors, generator: np.random.Generator) -> None:
        self._count = vectors.shape[1]
        self._low = np.log(np.maximum(vectors.min(axis=0), 1e-300))
        self._high = np.log(np.maximum(np.median(vectors, axis=0), 1e-300))
        self._weights = self._drawn(generator)

    def _drawn(self, generator: np.random.Generator) -> Iterator[NDArray[np.float64]]:
        """First each objective alone, then all evenly, then random ones."""
        for each in np.eye(self._count):
            yield each + 1e-3
        yield np.ones(self._count)
        while True:
            yield generator.dirichlet(np.ones(self._count)) + 1e-3

    def draw(self) -> NDArray[np.float64]:
        """The next weights."""
        return next(self._weights)

    def number(self, vectors: Vectors, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """One number a row; the sum decides between rows alike in the largest."""
        extent = np.where(self._high > self._low, self._high - self._low, 1.0)
        scaled = weights * (np.log(np.maximum(vectors, 1e-300)) - self._low) / extent
        return np.asarray(scaled.max(axis=1) + 1e-3 * scaled.sum(axis=1))


class BoundWalk:
    """The best bounds for changing weights."""

    def __init__(self, front: Front, weighing: Weighing) -> None:
        self._front, self._weighing = front, weighing
        self._queue: deque[int] = deque()

    def propose(self) -> int | None:
        """The best of the weights whose turn it is."""
        while True:
            while self._queue:
                place = self._queue.popleft()
                if self._front.joinable[place]:
                    return int(self._front.order[place])
            open_places = np.flatnonzero(self._front.joinable)
            if not len(open_places):
                return None
            numbers = self._weighing.number(self._front.vectors[open_places], self._weighing.draw())
            # Of equal bounds the order of the landscape puts the most generous in slots first.
            best = np.argsort(numbers, kind="stable")[:BATCH]
            self._queue.extend(open_places[best].tolist())

    def told(self, trial: Trial) -> None:
        """Its order does not depend on what came of it."""


class FrontDescent:
    """Walks downhill from the front's best for some weights; at a local optimum it goes on with other weights."""

    def __init__(self, front: Front, weighing: Weighing, start: Trial) -> None:
        self._front, self._weighing = front, weighing
        space = front.landscape.space
        self._neighbourhoods = (space.steps, space.lines, space.pairs)
        self._tired: set[int] = set()
        self._move_to(start)
        self._weights = weighing.draw()

    def _move_to(self, centre: Trial) -> None:
        self._centre, self._level = centre, 0
        self._queue: deque[int] = deque()

    def propose(self) -> int | None:
        """The neighbour with the best bounds for the weights."""
        while True:
            while self._queue:
                place = self._queue.popleft()
                if self._front.joinable[place]:
                    return int(self._front.order[place])
            if self._level == len(self._neighbourhoods):
                self._tired.add(self._centre.index)
                fresh = [each for each in self._front.members if each.index not in self._tired]
                if not fresh:
                    return None
                self._weights = self._weighing.draw()
                values = np.array([each.values for each in fresh])
                self._move_to(fresh[int(self._weighing.number(values, self._weights).argmin())])
            landscape = self._front.landscape
            around = self._front.places(landscape.lifted(self._neighbourhoods[self._level](self._centre.index)))
            around = around[self._front.joinable[around]]
            numbers = self._weighing.number(self._front.vectors[around], self._weights)
            self._queue.extend(around[np.argsort(numbers, kind="stable")].tolist())
            self._level += 1

    def told(self, trial: Trial) -> None:
        """Moves to what is better for its weights, whoever found it."""
        here, there = self._weighing.number(np.array([self._centre.values, trial.values]), self._weights)
        if there < here:
            self._move_to(trial)


class FrontStudy:
    """An Optuna study of several objectives, each proposal moved to the nearest configuration that might join the front."""

    def __init__(self, front: Front, weighing: Weighing, name: str, seed: int) -> None:
        make = SAMPLERS[name]
        assert make
        if name == "cmaes" and front.vectors.shape[1] > 1:
            raise UsageError("the sampler `cmaes` knows one objective only; nsga2, tpe, gp and random know several")
        self._front = front
        space = front.landscape.space
        self._tunables = space.tunables
        even = np.ones(front.vectors.shape[1])
        self._places = np.argsort(weighing.number(front.vectors, even), kind="stable")[:NEAR]
        self._digits = space.digits(front.order[self._places]).astype(np.int16)
        self._scale = np.array([1 / max(1, len(each.values) - 1) if each.ordered else 0.0 for each in self._tunables], np.float32)
        self._distributions: dict[str, BaseDistribution] = {
            each.name: CategoricalDistribution(each.values) for each in self._tunables
        }
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # experimental features of Optuna are not the user's concern
            self.study = optuna.create_study(directions=["minimize"] * front.vectors.shape[1], sampler=make(seed))

    def propose(self) -> int | None:
        """What the sampler asks for, moved."""
        open_places = self._front.joinable[self._places]
        if not open_places.any():
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asked = self.study.ask(self._distributions)
        # What is timed is told as a trial of its own: the sampler must not think that it was what it asked for.
        self.study.tell(asked, state=optuna.trial.TrialState.FAIL)
        wanted = np.array([each.values.index(asked.params[each.name]) for each in self._tunables], np.int16)
        steps = np.abs(self._digits - wanted)
        distance = np.where(self._scale > 0, steps * self._scale, steps > 0).sum(axis=1)
        distance[~open_places] = np.inf
        return int(self._front.order[self._places[distance.argmin()]])

    def told(self, trial: Trial) -> None:
        """Tells the study of every trial of the whole search."""
        digits = self._front.landscape.space.digits(np.array([trial.index]))[0]
        parameters = {each.name: each.values[digit] for each, digit in zip(self._tunables, digits, strict=True)}
        self.study.add_trial(
            optuna.trial.create_trial(params=parameters, distributions=self._distributions, values=list(trial.values))
        )
