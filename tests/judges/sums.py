"""Sums and extremes of the elements along an axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, isnan

from .numbers import FLOATS, INTEGERS, Number, lowest_bit

F32_END = 2.0**128
"""From here on a sum is infinite in f32."""


@dataclass(slots=True)
class Ledger:
    """A sum of floats, and whether it is the same in any order and at f32 precision throughout."""

    terms: list[float] = field(default_factory=list)
    size: float = 0.0
    grain: float = inf
    start: float = 0.0
    """What terms are added to, in place; it comes first in any order."""

    @classmethod
    def onto(cls, start: float) -> Ledger:
        """A sum that begins with what is there."""
        ledger = cls(start=start)
        ledger._count(start)
        return ledger

    def add(self, x: float) -> None:
        """Adds a term."""
        self.terms.append(x)
        self._count(x)

    def _count(self, x: float) -> None:
        if x != 0 and isfinite(x):
            self.size += abs(x)
            self.grain = min(self.grain, lowest_bit(x))

    @property
    def exact(self) -> bool:
        """Whether no partial sum can have been rounded."""
        return self.size == 0 or (self.size <= self.grain * 2**24 and self.size < F32_END)

    def exact_as(self, name: str) -> bool:
        """Whether no partial sum, in any order, is one that an element of this type cannot hold."""
        if len(self.terms) < 2:
            return True
        if name in FLOATS:
            bits, least, greatest = FLOATS[name]
            fits = self.size <= (2.0 - 2.0 ** (1 - bits)) * 2.0**greatest
            return fits and (self.size == 0 or (self.size <= self.grain * 2.0**bits and self.grain >= 2.0 ** (least - bits + 1)))
        bits, signed = INTEGERS[name]
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        below, above = (sum(min(sign * x, 0) for x in (self.start, *self.terms)) for sign in (1, -1))
        return self.grain >= 1 and all(map(isfinite, self.terms)) and low <= below and -above <= high

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
