"""Ways to come by the next configuration to time: by lower bound, by descent, and by descent from elsewhere.

An arm proposes a configuration that is feasible, new and able to win, or None when it has none; the search takes turns
between the arms and tells each what came of every trial.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np

from .trials import Trial, Trials


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
        self._place = 0

    def propose(self) -> int | None:
        """The next-best lower bound; None once the bounds reach the best latency."""
        landscape, done = self._trials.landscape, self._trials.done
        end = landscape.below(self._trials.best_us)
        while self._place < end:
            index = int(landscape.order[self._place])
            self._place += 1
            if index not in done:
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


class Restarts:
    """Descents from elsewhere: each starts at the best lower bound of a random handful of configurations."""

    HANDFUL = 48

    def __init__(self, trials: Trials, generator: np.random.Generator) -> None:
        self._trials = trials
        self._generator = generator
        self._descent: Descent | None = None

    def propose(self) -> int | None:
        """A step of the descent under way, or the start of the next one."""
        if self._descent and (index := self._descent.propose()) is not None:
            return index
        self._descent = None
        end = self._trials.landscape.below(self._trials.best_us)
        if not end:
            return None
        # Log-uniform places favour good bounds without ever closing the rest of the space.
        places = np.unique((end ** self._generator.random(self.HANDFUL)).astype(np.int64) - 1)
        handful = self._trials.promising(self._trials.landscape.order[self._generator.permutation(places)[: self.HANDFUL // 6]])
        return int(handful[0]) if len(handful) else None

    def told(self, trial: Trial, own: bool) -> None:
        """Follows its own trials only, so that it stays away from the incumbent."""
        if not own:
            return
        if self._descent is None:
            self._descent = Descent(self._trials, trial, levels=1)
        else:
            self._descent.told(trial, own)
