"""Several objectives: everything that was timed, the front of configurations that none beats, and what might still join it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..space.configurations import Indices
from ..space.feasibility import Landscape
from ..trials import Trial
from .protocol import Measurement

Vectors = NDArray[np.float64]
"""Values or bounds, shape [configuration, objective]."""

EQUAL = 1e-9
"""Values that differ by less, as a ratio, are the same but for rounding."""


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether `one` is as good as `other` in every objective and better in some, differences of rounding aside."""
    pairs = list(zip(one, other, strict=True))
    return all(a <= b * (1 + EQUAL) for a, b in pairs) and any(a < b * (1 - EQUAL) for a, b in pairs)


def nondominated(trials: Iterable[Trial]) -> list[Trial]:
    """The trials that no other dominates, the best of the first objective first. Of equal trials, the one with least memory."""
    front: list[Trial] = []
    for each in sorted(trials, key=front_rank):
        if not any(dominates(other.values, each.values) or _equal(other.values, each.values) for other in front):
            front.append(each)
    return front


def _equal(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(abs(a - b) <= EQUAL * abs(b) for a, b in zip(one, other, strict=True))


def front_rank(trial: Trial) -> tuple[object, ...]:
    """Sorts by the objectives in their order."""
    return (*(float(f"{each:.9g}") for each in trial.values), trial.on_chip_bytes, trial.index)


@dataclass
class Front:
    """The record of a search for several objectives; of one objective, the front is its best alone."""

    landscape: Landscape
    """The feasible configurations, in an order of their own."""
    vectors: Vectors
    """Lower bounds of each of them, an objective a column."""
    done: dict[int, Trial | None] = field(default_factory=dict)
    """By number, in the order in which they were timed; None for one that turned out infeasible."""
    cut: bool = False
    """Whether there are more configurations than are in it."""
    members: list[Trial] = field(default_factory=list)
    """The front so far: timed configurations that no other one dominates."""
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.order = self.landscape.order
        self._sorted = np.argsort(self.order, kind="stable")
        self.joinable = np.ones(len(self.order), dtype=bool)
        """Which of the configurations have not been timed and have bounds that no member meets."""

    def add(self, trial: Trial) -> None:
        """Records a timed configuration, and closes those that it rules out."""
        self.done[trial.index] = trial
        self._close(trial.index)
        if any(dominates(each.values, trial.values) or _equal(each.values, trial.values) for each in self.members):
            return
        self.members = [each for each in self.members if not dominates(trial.values, each.values)] + [trial]
        # Whatever is no better than its bound is then beaten, or at the best equal.
        self.joinable &= ~(self.vectors * (1 + EQUAL) >= np.asarray(trial.values)).all(axis=1)

    def trial(self, index: int, measured: Measurement) -> Trial:
        """Every objective is minimised."""
        return Trial(index, measured.latency_us, measured.on_chip_bytes, measured.values)

    @property
    def best(self) -> Trial | None:
        """The best of the first objective."""
        return min(self.members, key=lambda each: each.values[0], default=None)

    @property
    def choices(self) -> int:
        """The size of the front."""
        return len(self.members)

    @property
    def complete(self) -> bool:
        """Whether everything was screened, and kept."""
        return self.landscape.whole and not self.cut

    def settle(self) -> None:
        """Its members are found anew from all that was timed where they are verified."""

    def refuse(self, index: int, limit: str) -> None:
        """Records a configuration that could not be lowered."""
        self.done[index] = None
        self.refused[limit] += 1
        self._close(index)

    def _close(self, index: int) -> None:
        places = self.places(np.array([index]))
        self.joinable[places] = False

    def places(self, indices: Indices) -> NDArray[np.intp]:
        """Where configurations stand in the order; those that are not in it are left out."""
        found = np.searchsorted(self.order, indices, sorter=self._sorted)
        found = self._sorted[np.minimum(found, len(self.order) - 1)]
        return np.asarray(found[self.order[found] == indices])

    def ranked(self) -> list[Trial]:
        """All timed configurations, best of the first objective first."""
        return sorted((each for each in self.done.values() if each), key=front_rank)

    def open(self) -> int:
        """How many screened configurations might still join the front."""
        return int(self.joinable.sum())

    @property
    def headroom(self) -> float:
        """By what share of its value the best of the first objective might still be beaten; 0 where that is proved."""
        if not self.open() or not self.members:
            return 0.0
        best = min(each.values[0] for each in self.members)
        return float(max(0.0, 1 - self.vectors[self.joinable, 0].min() / best)) if best else 0.0


def thinned(front: Sequence[Trial], most: int) -> list[Trial]:
    """At most so many members, spread along the front: the best of each objective, then what is farthest from what is taken."""
    if len(front) <= most:
        return list(front)
    logs = np.log(np.maximum([each.values for each in front], 1e-300))
    extent = np.ptp(logs, axis=0)
    points = (logs - logs.min(axis=0)) / np.where(extent > 0, extent, 1.0)
    taken = list(dict.fromkeys(int(place) for place in points.argmin(axis=0)))
    while len(taken) < most:
        distance = np.min([np.abs(points - points[each]).sum(axis=1) for each in taken], axis=0)
        taken.append(int(distance.argmax()))
    return [front[place] for place in sorted(taken)]
