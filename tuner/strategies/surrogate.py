"""A Gaussian process of what has been measured; what it expects to improve most is next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..strategy import Candidates, Numbers, Strategy
from .parts.points import Points

if TYPE_CHECKING:
    from .parts.process import Process

NEAR = 2
"""In how many parameters a configuration near the best may differ from it."""


class Surrogate(Strategy):
    """A Gaussian process of what has been measured; what it expects to improve most is next."""

    starts = 8
    """Random ones before the process is trusted."""
    candidates_looked_at = 1500
    """How many random ones are looked at, and how many around the best; a few hundredths of a second."""
    refit = 3
    """The length scales are fitted anew after so many measurements."""
    most = 300
    """How many measurements it rests on: the best of them, and the latest."""

    def __init__(self, candidates: Candidates, seed: int) -> None:
        super().__init__(candidates, seed)
        from .parts import process  # brings scipy along: half a second that no question shall take

        self._fitting = process
        self._points = Points(candidates.values)
        self._values: dict[int, float] = {}
        self._process: Process | None = None
        self._fitted = 0

    def propose(self) -> int | None:
        """The one of greatest expected improvement; every fourth time, among those near the best only."""
        places = self.candidates.open()
        if not len(places):
            return None
        best = min(self._values, key=lambda each: self._values[each], default=None)
        if best is None or math.isinf(self._values[best]) or len(self._values) < self.starts:
            return self._start(places)
        numbers, targets = self._evidence()
        digits = self.candidates.digits(places)
        near = np.flatnonzero((digits != self.candidates.digits(np.array([best]))).sum(axis=1) <= NEAR)
        looked_at = self._some(near)
        if len(self._values) % 4 or not len(near):
            looked_at = np.union1d(looked_at, self._some(np.arange(len(places))))
        with self._fitting.one_thread():
            found = self._fitted_to(self._points.of(self.candidates.digits(numbers)), targets)
            gains = found.improvement(self._points.of(digits[looked_at]), float(targets.min()))
        return int(places[looked_at[np.argmax(gains)]])

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        """Keeps it as evidence."""
        self._values[number] = values[0]

    def _start(self, places: Numbers) -> int:
        """Random; half of the time one of a model's best, where there is a model."""
        if len(self._values) % 2 == 0 and (bounds := self.candidates.bounds(places)) is not None:
            return int(places[np.argmin(bounds[:, 0])])
        return int(self.generator.choice(places))

    def _evidence(self) -> tuple[Numbers, NDArray[np.float64]]:
        """What has been measured, as logarithms where all are positive; a failure counts as the worst of what has not failed."""
        numbers = np.array(list(self._values))
        values = np.array(list(self._values.values()))
        worst = values[np.isfinite(values)].max()
        values = np.where(np.isfinite(values), values, worst)
        targets = np.log(values) if values.min() > 0 else values
        if len(numbers) > self.most:
            half = self.most // 2
            kept = np.union1d(np.argsort(targets, kind="stable")[:half], np.arange(len(numbers))[-half:])
            numbers, targets = numbers[kept], targets[kept]
        return numbers, targets

    def _fitted_to(self, points: NDArray[np.float64], targets: NDArray[np.float64]) -> Process:
        """The process of the evidence; its length scales are those of the last fit, or fitted anew."""
        count = len(self._values)
        known = self._process.parameters if self._process else None
        due = known is None or count >= self._fitted + self.refit
        self._process = self._fitting.fit(points, targets, known, steps=self._fitting.STEPS if due else 0)
        self._fitted = count if due else self._fitted
        return self._process

    def _some(self, places: Numbers) -> Numbers:
        most = self.candidates_looked_at
        return places if len(places) <= most else self.generator.choice(places, most, replace=False)
