"""Turns: every strategy of a search gets an equal share of the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

SAVED = 1.0
"""Seconds, or turns, that an idle strategy can save up."""


class Turns:
    """Shares time between arms. A sampler that thinks for long gets fewer turns where a trial is quick.

    With `by_time` false every turn counts the same, so that a number of trials gives the same result on every machine.
    """

    def __init__(self, arms: int, *, by_time: bool) -> None:
        self._spent = [0.0] * arms
        self._by_time = by_time

    def order(self) -> list[int]:
        """The arms, the one that has had least so far first."""
        return sorted(range(len(self._spent)), key=lambda place: (self._spent[place], place))

    @contextmanager
    def taken(self, place: int) -> Iterator[None]:
        """Counts what an arm does inside the block."""
        start = time.perf_counter()
        yield
        self._spent[place] += time.perf_counter() - start if self._by_time else 1.0
        # An arm that was idle saves up a little only, or it would keep the others waiting for long once it wakes.
        floor = self._spent[place] - SAVED
        self._spent = [max(each, floor) for each in self._spent]
