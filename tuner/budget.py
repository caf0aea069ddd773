"""Budgets of searches, and clocks that count them down."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .deadline import Deadline
from .interrupts import look
from .progress import Stop

RESERVE, MOST_RESERVE_S = 0.25, 2.0
"""The share of a budget that is reserved for verification, and the most seconds that are."""


def reserve_s(budget_s: float | None) -> float:
    """The seconds reserved for verification."""
    return 0.0 if budget_s is None else min(RESERVE * budget_s, MOST_RESERVE_S)


@dataclass(frozen=True)
class Times:
    """When a tuning began, and when its parts must end."""

    start: float
    searching: Deadline
    """The deadline of the search, which leaves time for verification."""
    all: Deadline
    worked_s: float = 0.0
    """What this process had worked before."""

    @classmethod
    def of(cls, budget_s: float | None) -> Times:
        """A budget that begins now."""
        deadline = Deadline.after(budget_s)
        return cls(time.monotonic(), deadline.earlier(reserve_s(budget_s)), deadline, time.process_time())

    @property
    def elapsed_s(self) -> float:
        """Seconds since the tuning began."""
        return time.monotonic() - self.start

    @property
    def work_left_s(self) -> float:
        """Seconds that this process would have left if it had not had to wait for others."""
        return max(0.0, self.all.end_s - self.start - (time.process_time() - self.worked_s))


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of a search; the first one reached ends it."""

    seconds: float | None = 20.0
    trials: int | None = None


class Clock:
    """Counts a budget down."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._start = time.monotonic()
        self.deadline = Deadline.after(budget.seconds)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the clock was made."""
        return time.monotonic() - self._start

    def spent(self, trials: int) -> Stop | None:
        """Why a search with this many trials has to end, or None. An interrupt that was lost is raised again."""
        look()
        if self._budget.trials is not None and trials >= self._budget.trials:
            return "trials"
        if self._budget.seconds is not None and self.elapsed_s >= self._budget.seconds:
            return "budget"
        return None

    def fraction(self, trials: int) -> float:
        """The share of the budget that is used, 0 to 1."""
        by_trials = trials / self._budget.trials if self._budget.trials else 0.0
        by_time = self.elapsed_s / self._budget.seconds if self._budget.seconds else 0.0
        return min(1.0, max(by_trials, by_time))
