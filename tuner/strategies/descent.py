"""From the best so far to what differs from it in as few parameters as possible."""

from __future__ import annotations

import math

import numpy as np

from ..strategy import Candidates, Strategy


class Descent(Strategy):
    """Random neighbours of the best so far; a random start first, and farther away at a dead end."""

    starts = 10

    def __init__(self, candidates: Candidates, seed: int) -> None:
        super().__init__(candidates, seed)
        self._told = 0
        self._best: tuple[float, int | None] = math.inf, None

    def propose(self) -> int | None:
        """One of the nearest to the best."""
        places = self.candidates.open()
        if not len(places):
            return None
        _, best = self._best
        if best is None or self._told < self.starts:
            return int(self.generator.choice(places))
        digits = self.candidates.digits(places)
        apart = (digits != self.candidates.digits(np.array([best]))).sum(axis=1)
        return int(self.generator.choice(places[apart == apart.min()]))

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        """Remembers the best."""
        self._told += 1
        if values[0] < self._best[0]:
            self._best = values[0], number
