"""Numbers of slots, settled by arithmetic: which of them fit, and which of those are worth timing.

More slots never cost time, so that of all that fits only what allows no slot more anywhere can be fastest: the maximal ones.
Up to `GRID` combinations all of them are found. Of more, which `filling` deals with, a few that differ stand for all.
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
"""Combinations of a configuration and its slots looked at once; some 10 MB of arrays."""
GRID = 1 << 13
"""The most combinations of slots that are looked at one by one: eight kinds of three."""

Places = NDArray[np.int64]


@dataclass
class Fitting:
    """What fits, of configurations given without slots."""

    feasible: int = 0
    """How many configurations were found to fit, each combination of slots one."""
    removed: Counter[str] = field(default_factory=Counter)
    """How many were found not to, by the first limit violated."""
    rows: list[Places] = field(default_factory=list)
    """For each combination that is worth timing its configuration, as a place in the footprint."""
    digits: list[Places] = field(default_factory=list)
    """And its slots, as places among the choices, shape [combination, tunable]."""

    def add(self, rows: Places, digits: Places) -> None:
        """Adds maximal combinations."""
        self.rows.append(rows)
        self.digits.append(digits)


def combinations(footprint: Footprint, slots: Sequence[Tunable]) -> int:
    """How many ways there are to choose the slots that the program has."""
    return math.prod(len(each.values) for each in slots if each.name in footprint.each)


def fitting(footprint: Footprint, slots: Sequence[Tunable]) -> Fitting:
    """Counts what fits, and finds the maximal combinations; slots that the program does not have stay at the least."""
    found, filling = Fitting(), Filling.of(footprint, slots)
    # Every combination of the slots that the program does not have is the same program once more.
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
    """A few of very many: only what was looked at is counted."""
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
    """Those that no longer fit with one slot more of any kind; what fits is closed downwards."""
    maximal = fits.copy()
    for axis in range(1, fits.ndim):
        inner = (slice(None),) * axis
        maximal[(*inner, slice(None, -1))] &= ~fits[(*inner, slice(1, None))]
    return maximal
