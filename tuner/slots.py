"""Numbers of slots, settled by arithmetic: which of them fit, and which of those are worth timing.

More slots never cost time, so that of all that fits only what allows no slot more anywhere can be fastest: the maximal ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..backends.tunable import Tunable
from .model import Footprint

BLOCK = 1 << 20
"""Combinations of a configuration and its slots looked at once; some 10 MB of arrays."""

Places = NDArray[np.int64]


@dataclass
class Fitting:
    """What fits, of configurations given without slots."""

    feasible: int = 0
    """How many configurations fit, each combination of slots one."""
    removed: Counter[str] = field(default_factory=Counter)
    """How many do not, by the first limit violated."""
    rows: list[Places] = field(default_factory=list)
    """For each maximal combination its configuration, as a place in the footprint."""
    digits: list[Places] = field(default_factory=list)
    """And its slots, as places among the choices, shape [combination, tunable]."""

    def add(self, rows: Places, digits: Places) -> None:
        """Adds maximal combinations."""
        self.rows.append(rows)
        self.digits.append(digits)


def fitting(footprint: Footprint, slots: Sequence[Tunable]) -> Fitting:
    """Counts what fits, and finds the maximal combinations; slots that the program does not have stay at the least."""
    found, count = Fitting(), footprint.fixed.shape[1]
    matters = [each.name in footprint.each for each in slots]
    shape = [len(each.values) if real else 1 for each, real in zip(slots, matters, strict=True)]
    copies = math.prod(len(each.values) for each in slots) // math.prod(shape)
    grid = np.indices(shape).reshape(len(slots), math.prod(shape)).T
    each = [footprint.each.get(tunable.name, np.zeros_like(footprint.fixed)) for tunable in slots]
    values = [np.array(tunable.values[:size], float) for tunable, size in zip(slots, shape, strict=True)]
    most = footprint.fixed + sum(one * numbers[-1] for one, numbers in zip(each, values, strict=True))
    least = footprint.fixed + sum(one * numbers[0] for one, numbers in zip(each, values, strict=True))
    capacity = footprint.capacity[:, None]
    all_fit, none_fits = (most <= capacity).all(axis=0), least[0] > footprint.capacity[0]
    generous = np.flatnonzero(all_fit)
    found.feasible += len(generous) * len(grid) * copies
    found.add(generous, np.broadcast_to(np.array(shape) - 1, (len(generous), len(slots))))
    found.removed[footprint.limits[0]] += int(none_fits.sum()) * len(grid) * copies
    between = np.flatnonzero(~all_fit & ~none_fits)
    step = max(1, BLOCK // len(grid))
    for start in range(0, len(between), step):
        rows = between[start : start + step]
        _some_fit(found, footprint, rows, each, values, grid, shape, copies)
    assert found.feasible + sum(found.removed.values()) == count * len(grid) * copies
    return found


def _some_fit(
    found: Fitting,
    footprint: Footprint,
    rows: Places,
    each: Sequence[NDArray[np.float64]],
    values: Sequence[NDArray[np.float64]],
    grid: Places,
    shape: Sequence[int],
    copies: int,
) -> None:
    fits = np.ones((len(rows), len(grid)), dtype=bool)
    for place, limit in enumerate(footprint.limits):
        used = footprint.fixed[place, rows][:, None]
        for one, numbers, digits in zip(each, values, grid.T, strict=True):
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
