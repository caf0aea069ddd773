"""Sums and extremes of the elements along an axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, isnan

from .numbers import Number, lowest_bit

F32_END = 2.0**128
"""From here on a sum is infinite in f32."""


@dataclass(slots=True)
class Ledger:
    """A sum of floats, and whether it is the same in any order and at f32 precision throughout."""

    terms: list[float] = field(default_factory=list)
    size: float = 0.0
    grain: float = inf

    def add(self, x: float) -> None:
        """Adds a term."""
        self.terms.append(x)
        if x != 0 and isfinite(x):
            self.size += abs(x)
            self.grain = min(self.grain, lowest_bit(x))

    @property
    def exact(self) -> bool:
        """Whether no partial sum can have been rounded."""
        return self.size == 0 or (self.size <= self.grain * 2**24 and self.size < F32_END)

    @property
    def value(self) -> float:
        """The sum, before it is rounded."""
        finite = [x for x in self.terms if isfinite(x)]
        rest = [x for x in self.terms if not isfinite(x)]
        return sum(rest) if rest else math.fsum(finite)


def first_extreme(terms: Sequence[Number], extreme: Callable[[float, float], float]) -> int:
    """The first of the elements that is their extreme; NaN is more extreme than any number."""
    best = 0
    for number, each in enumerate(terms):
        here, there = float(each), float(terms[best])
        if isnan(there):
            return best
        if isnan(here) or (here != there and extreme(here, there) == here):
            best = number
    return best
