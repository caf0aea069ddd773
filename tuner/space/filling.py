"""Fills memory with slots, one at a time, where there are too many combinations to enumerate.

In a given order, a slot is added wherever it fits, until none fits: the result is maximal. Second slots come before third
slots, because a second slot lets a transfer overlap with the work on it. Half of the orders instead fill one kind of slot after
the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilery.backends.tunable import Tunable

from ..model.protocol import Footprint

ORDERS = 6
"""How many random orders are tried beside cheapest first and dearest first; each in both ways."""

Digits = NDArray[np.int64]
"""Slots as places among their choices, shape [configuration, tunable]."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Filling:
    """The memory of configurations with one structure."""

    capacity: Floats
    fixed: Floats
    """Shape [limit, configuration]."""
    each: Sequence[Floats]
    """The memory of one slot, by tunable: shape [limit, configuration]."""
    values: Sequence[Floats]
    """The choices of numbers of slots, by tunable. For slots that the program does not have, only the first."""

    @classmethod
    def of(cls, footprint: Footprint, slots: Sequence[Tunable]) -> Filling:
        """The arithmetic of a footprint."""
        nothing = np.zeros_like(footprint.fixed)
        numbers = [each.values if each.name in footprint.each else each.values[:1] for each in slots]
        return cls(
            footprint.capacity,
            footprint.fixed,
            [footprint.each.get(each.name, nothing) for each in slots],
            [np.array(each, float) for each in numbers],
        )

    @property
    def sizes(self) -> list[int]:
        """How many choices there are, by tunable."""
        return [len(each) for each in self.values]

    @property
    def least(self) -> Digits:
        """The fewest slots of every kind."""
        return np.zeros((self.fixed.shape[1], len(self.values)), np.int64)

    @property
    def most(self) -> Digits:
        """The most of every kind."""
        return self.least + np.array([size - 1 for size in self.sizes], np.int64)

    def at(self, rows: NDArray[np.integer]) -> Filling:
        """The same for some of the configurations."""
        return Filling(self.capacity, self.fixed[:, rows], [each[:, rows] for each in self.each], self.values)

    def used(self, digits: Digits) -> Floats:
        """Shape [limit, configuration]."""
        used = self.fixed.copy()
        for place, (one, numbers) in enumerate(zip(self.each, self.values, strict=True)):
            used += one * numbers[digits[:, place]]
        return used

    def fits(self, used: Floats) -> NDArray[np.bool_]:
        """Whether a configuration is within every limit."""
        return np.asarray((used <= self.capacity[:, None]).all(axis=0))

    def filled(self, digits: Digits, order: Sequence[int], *, level: bool = True) -> Digits:
        """Adds slots to what fits until none fits. With `level`, every kind gets its second slot before any kind gets a third."""
        digits, used = digits.copy(), self.used(digits)
        deepest = max(self.sizes, default=1) - 1
        steps = [(place, digit) for digit in range(deepest) for place in order]
        for place, digit in steps if level else sorted(steps, key=lambda step: order.index(step[0])):
            numbers = self.values[place]
            if digit + 1 < len(numbers):
                more = used + self.each[place] * (numbers[digit + 1] - numbers[digit])
                taken = (digits[:, place] == digit) & self.fits(more)
                digits[taken, place] += 1
                used = np.where(taken, more, used)
        return digits

    def cut(self, digits: Digits, order: Sequence[int]) -> Digits:
        """Takes slots away, the last of the order first, until the rest fits. If nothing fits, all are taken away."""
        digits, used = digits.copy(), self.used(digits)
        for place in reversed(order):
            for digit in range(len(self.values[place]) - 1, 0, -1):
                less = used - self.each[place] * (self.values[place][digit] - self.values[place][digit - 1])
                given = (digits[:, place] == digit) & ~self.fits(used)
                digits[given, place] -= 1
                used = np.where(given, less, used)
        return digits

    def cheapest_first(self) -> list[int]:
        """The tunables, ordered by the largest share of a memory that one slot takes."""
        shares = [
            float((one / np.maximum(self.capacity, 1.0)[:, None]).max(axis=0).mean()) if one.size else 0.0 for one in self.each
        ]
        return sorted(range(len(shares)), key=lambda place: shares[place])

    def various(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], Digits]:
        """For each configuration, all of which fit without slots: several different maximal combinations."""
        here, generator = self.at(rows), np.random.default_rng(0)
        cheapest = self.cheapest_first()
        orders = [cheapest, cheapest[::-1], *(generator.permutation(cheapest).tolist() for _ in range(ORDERS))]
        found = [here.filled(here.least, order, level=level) for order in orders for level in (True, False)]
        stacked = np.concatenate([np.concatenate([rows[:, None], each], axis=1) for each in found])
        distinct = np.unique(stacked, axis=0)
        return distinct[:, 0], distinct[:, 1:]
