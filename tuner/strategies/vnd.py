"""Variable neighbourhood descent: downhill from the best, in larger and larger neighbourhoods.

Hansen and Mladenovic, Variable neighbourhood search, 2001. One step of one parameter, then any value of one, then a step of two:
a larger tile bought with one buffer fewer. Neighbours are taken in the order of their lower bounds.
"""

from __future__ import annotations

from collections import deque

from ..strategy import LEVELS, Candidates, Strategy


class VariableNeighbourhoodDescent(Strategy):
    """Variable neighbourhood descent: downhill from the best, in larger and larger neighbourhoods."""

    several = True

    def __init__(self, candidates: Candidates, seed: int) -> None:
        super().__init__(candidates, seed)
        self._goal = candidates.goal()
        self._centre: int | None = None
        self._tired: set[int] = set()
        """Centres around which nothing was better."""

    def _move_to(self, centre: int) -> None:
        self._centre, self._level = centre, 0
        self._queue: deque[int] = deque()

    def propose(self) -> int | None:
        """The most promising neighbour; at a local optimum on from another one of the best, if there is one."""
        if self._centre is None:
            return None
        while True:
            while self._queue:
                number = self._queue.popleft()
                if self.candidates.is_open(number):
                    return number
            if self._level == LEVELS:
                self._tired.add(self._centre)
                fresh = [each for each in self.candidates.best().tolist() if each not in self._tired]
                if not fresh:
                    return None
                self._goal = self.candidates.goal()
                self._move_to(min(fresh, key=self._goal.rank))
            self._queue.extend(self._goal.around(self._centre, self._level).tolist())
            self._level += 1

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        """Moves to what is better, whoever found it."""
        if self._centre is None or self._goal.rank(number) < self._goal.rank(self._centre):
            self._move_to(number)
