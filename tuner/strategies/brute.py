"""Everything in turn, by the best lower bounds where a model gives some."""

from __future__ import annotations

from collections import deque

from ..strategy import Candidates, Strategy


class Brute(Strategy):
    """Everything in turn, the best lower bounds first where there are bounds."""

    several = True

    def __init__(self, candidates: Candidates, seed: int) -> None:
        super().__init__(candidates, seed)
        self._queue: deque[int] = deque()

    def propose(self) -> int | None:
        """The next one."""
        while True:
            while self._queue:
                number = self._queue.popleft()
                if self.candidates.is_open(number):
                    return number
            ahead = self.candidates.ahead()
            if not len(ahead):
                return None
            self._queue.extend(ahead.tolist())
