"""Finds by arithmetic which numbers of slots fit, and which of these are worth timing.

More slots never cost time. So only a maximal combination, to which no slot can be added, can be the fastest. Up to `GRID`
combinations, all maximal ones are found. Of more combinations, `filling` finds several different maximal ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tilery.backends.tunable import Tunable

from ..model.protocol import Footprint
from .filling import Filling

BLOCK = 1 << 20
"""How many pairs of configuration and slots are examined at a time: some 10 MB of arrays."""
GRID = 1 << 13
"""The most combinations of slots that are enumerated: eight kinds with three choices each."""

Places = NDArray[np.int64]


@dataclass
class Fitting:
    """Which combinations of slots fit, for configurations given without slots."""

    feasible: int = 0
    """How many configurations fit; each combination of slots counts."""
    removed: Counter[str] = field(default_factory=Counter)
    """How many do not fit, by the first limit that they exceed."""
    rows: list[Places] = field(default_factory=list)
    """For each combination worth timing: its configuration, as a column of the footprint."""
    digits: list[Places] = field(default_factory=list)
    """Its slots as choice indices, shape [combination, tunable]."""

    def add(self, rows: Places, digits: Places) -> None:
        """Adds maximal combinations."""
        self.rows.append(rows)
        self.digits.append(digits)


def combinations(footprint: Footprint, slots: Sequence[Tunable]) -> int:
    """The number of combinations of the slots that the program has."""
    return math.prod(len(each.values) for each in slots if each.name in footprint.each)


def fitting(footprint: Footprint, slots: Sequence[Tunable]) -> Fitting:
    """Counts what fits, and finds the maximal combinations. Slots that the program does not have keep their least number."""
    found, filling = Fitting(), Filling.of(footprint, slots)
    # Slots that the program does not have change nothing: each combination of them counts the same program again.
    number = combinations(footprint, slots)
    copies = math.prod(len(each.values) for each in slots) // number
    least, most = filling.used(filling.least), filling.used(filling.most)
    all_fit, none_fits = filling.fits(most), least[0] > footprint.capacity[0]
    generous = np.flatnonzero(all_fit)
    found.feasible += len(generous) * number * copies
    found.add(generous, filling.most[generous])
    found.removed[footprint.limits[0]] += int(none_fits.sum()) * number * copies
    between = np.flatnonzero(~all_fit & ~none_fits)
    if number > GRID:
        _some(found, footprint, filling, between)
    else:
        _all(found, footprint, filling, between, copies)
        assert found.feasible + sum(found.removed.values()) == footprint.fixed.shape[1] * number * copies
    return found


def _some(found: Fitting, footprint: Footprint, filling: Filling, rows: Places) -> None:
    """Several of very many combinations. Only those examined are counted."""
    least = filling.used(filling.least)[:, rows]
    for place, limit in enumerate(footprint.limits):
        over = least[place] > footprint.capacity[place]
        found.removed[limit] += int(over.sum())
        rows, least = rows[~over], least[:, ~over]
    kept, digits = filling.various(rows)
    found.feasible += len(kept)
    found.add(kept, digits)


def _all(found: Fitting, footprint: Footprint, filling: Filling, between: Places, copies: int) -> None:
    shape = filling.sizes
    grid = np.indices(shape).reshape(len(shape), math.prod(shape)).T
    step = max(1, BLOCK // len(grid))
    for start in range(0, len(between), step):
        rows = between[start : start + step]
        fits = np.ones((len(rows), len(grid)), dtype=bool)
        for place, limit in enumerate(footprint.limits):
            used = footprint.fixed[place, rows][:, None]
            for one, numbers, digits in zip(filling.each, filling.values, grid.T, strict=True):
                used = used + one[place, rows][:, None] * numbers[digits]
            over = fits & (used > footprint.capacity[place])
            found.removed[limit] += int(over.sum()) * copies
            fits &= ~over
        found.feasible += int(fits.sum()) * copies
        kept, combination = np.nonzero(_maximal(fits.reshape(len(rows), *shape)).reshape(fits.shape))
        found.add(rows[kept], grid[combination])


def _maximal(fits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The combinations to which no slot of any kind can be added. With fewer slots a fitting combination still fits."""
    maximal = fits.copy()
    for axis in range(1, fits.ndim):
        inner = (slice(None),) * axis
        maximal[(*inner, slice(None, -1))] &= ~fits[(*inner, slice(1, None))]
    return maximal
