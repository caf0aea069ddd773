"""Ways to come by the next configuration to time: in order of lower bounds, and by descent. A third is in `sampler`.

An arm proposes a configuration that is feasible, new and able to win, or None when it has none; the search takes turns
between the arms and tells each what came of every trial.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from ..trials import Trial, Trials


class Arm(Protocol):
    """One way to come by configurations."""

    def propose(self) -> int | None:
        """The number of a promising configuration that has not been timed, or None for now."""

    def told(self, trial: Trial, own: bool) -> None:
        """Takes note of a trial; `own` says that this arm proposed it."""


class BoundOrder:
    """The configurations in order of their lower bounds."""

    def __init__(self, trials: Trials) -> None:
        self._trials = trials
        self._next = 0

    def propose(self) -> int | None:
        """The next-best lower bound; None once the bounds reach the best latency."""
        end = self._trials.landscape.below(self._trials.best_us)
        while self._next < end:
            index = int(self._trials.landscape.order[self._next])
            self._next += 1
            if index not in self._trials.done:
                return index
        return None

    def told(self, trial: Trial, own: bool) -> None:
        """Its order does not depend on what came of it."""


class Descent:
    """Walks downhill from a configuration: one step, then any value of one tunable, then a step of two tunables at once."""

    def __init__(self, trials: Trials, start: Trial, levels: int = 3) -> None:
        self._trials = trials
        space = trials.landscape.space
        self._neighbourhoods = (space.steps, space.lines, space.pairs)[:levels]
        self.move_to(start)

    def move_to(self, centre: Trial) -> None:
        """Starts over around another configuration."""
        self.centre = centre
        self._level = 0
        self._queue: deque[int] = deque()

    def propose(self) -> int | None:
        """The neighbour with the best lower bound; None at a local optimum."""
        while True:
            while self._queue:
                index = self._queue.popleft()
                if index not in self._trials.done:
                    return index
            if self._level == len(self._neighbourhoods):
                return None
            around = self._neighbourhoods[self._level](self.centre.index)
            self._queue.extend(self._trials.promising(around).tolist())
            self._level += 1

    def told(self, trial: Trial, own: bool) -> None:
        """Moves to what is better, whoever found it."""
        if trial.rank < self.centre.rank:
            self.move_to(trial)
