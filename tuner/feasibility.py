"""Feasibility first: what fits the chip and how fast it could be at best, for the whole space before anything is timed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .model import Model
from .space import Indices, Space

WHOLE = 2_000_000
"""The largest space that is screened configuration by configuration."""
SAMPLE = 400_000
"""How many random configurations stand for a larger space at first."""
GROUPS = 160
"""How many structures are looked at: each costs the model tens of milliseconds, the numbers in it little."""
BLOCK = 1 << 17
"""Configurations screened at once; some 10 MB of arrays."""
CLIMBS, SEEDS = 12, 128
"""A larger space is then followed downhill: how often, and from how many of the best bounds."""

Report = Callable[[int, int], None]
"""Told how many configurations have been screened, and how many there are to screen."""

Bounds = NDArray[np.float64]
"""Lower bounds on latency in microseconds; infinite where infeasible."""


@dataclass(frozen=True)
class Landscape:
    """What screening found."""

    space: Space
    screened: int
    """How many configurations were looked at."""
    removed: Mapping[str, int]
    """How many of them each limit ruled out, the first limit violated counting."""
    order: Indices
    """The feasible ones, best lower bound first."""
    bounds: Bounds
    """Their lower bounds, ascending."""
    bounds_of: Callable[[Indices], Bounds] = field(repr=False)
    """The lower bounds of any configurations, screened already or not."""

    @property
    def feasible(self) -> int:
        """How many of the screened configurations are feasible."""
        return len(self.order)

    @property
    def whole(self) -> bool:
        """True if no configuration was left out."""
        return self.screened == self.space.size

    def below(self, latency_us: float) -> int:
        """How many feasible configurations have a lower bound below `latency_us`: those that might still be faster."""
        return int(np.searchsorted(self.bounds, latency_us, side="left"))


@dataclass
class _Screener:
    """Screens configurations in blocks and counts what each limit removes."""

    model: Model
    space: Space
    removed: Counter[str] = field(default_factory=Counter)

    def __call__(self, indices: Indices, *, count: bool = False) -> Bounds:
        blocks = [self._block(indices[start : start + BLOCK], count) for start in range(0, len(indices), BLOCK)]
        return np.concatenate(blocks) if blocks else np.empty(0)

    def _block(self, indices: Indices, count: bool) -> Bounds:
        screening = self.model.screen(self.space.columns(indices))
        if count:
            tally = np.bincount(screening.limit, minlength=len(screening.limits) + 1)[1:]
            self.removed.update({name: int(number) for name, number in zip(screening.limits, tally, strict=True)})
        return np.where(screening.limit == 0, screening.lower_bound_us, np.inf).astype(np.float64)


class _Known:
    """Lower bounds of a sampled space: those of the sample are looked up, others screened when first asked for, and kept."""

    def __init__(self, screener: _Screener, indices: Indices, bounds: Bounds) -> None:
        order = np.argsort(indices)
        self._screener, self._indices, self._bounds = screener, indices[order], bounds[order]
        self._later: dict[int, float] = {}

    def __call__(self, indices: Indices) -> Bounds:
        places = np.minimum(np.searchsorted(self._indices, indices), len(self._indices) - 1)
        found = np.where(self._indices[places] == indices, self._bounds[places], np.nan)
        unknown = [int(index) for index in indices[np.isnan(found)] if int(index) not in self._later]
        if unknown:
            self._later.update(zip(unknown, self._screener(np.array(unknown)).tolist(), strict=True))
        missing = np.flatnonzero(np.isnan(found))
        found[missing] = [self._later[int(index)] for index in indices[missing]]
        return found


def survey(model: Model, space: Space, start: int, seed: int = 0, progress: Report | None = None) -> Landscape:
    """Screens the whole space, or of one beyond `WHOLE` configurations a sample and what lies downhill of its best.

    `start` is a configuration to have in the sample; `progress` is told how many are screened, and of how many.
    """
    generator = np.random.default_rng(seed)
    screener = _Screener(model, space)
    groups = space.groups(generator, GROUPS + 1)
    if space.size <= WHOLE and len(groups) <= GROUPS:
        indices, bounds = _everything(screener, groups, progress)
        lookup: Callable[[Indices], Bounds] = bounds.__getitem__
    else:
        indices, bounds = _sampled(screener, generator, start, progress)
        lookup = _Known(screener, indices, bounds)
    feasible = np.isfinite(bounds)
    order, bounds = indices[feasible], bounds[feasible]
    # The bound sees no slots. Of equal ones the most generous comes first: more slots never make it slower.
    sort = np.lexsort((generator.random(len(order)), -space.generosity(order), bounds))
    return Landscape(space, len(indices), dict(screener.removed), order[sort], bounds[sort], lookup)


def _everything(screener: _Screener, groups: Indices, progress: Report | None) -> tuple[Indices, Bounds]:
    size = screener.space.size
    bounds, done = np.empty(size), 0
    for group in groups:
        alike = screener.space.alike(group)
        bounds[alike] = screener(alike, count=True)
        done += len(alike)
        if progress:
            progress(done, size)
    return np.arange(size), bounds


def _sampled(screener: _Screener, generator: np.random.Generator, start: int, progress: Report | None) -> tuple[Indices, Bounds]:
    space = screener.space
    indices = np.union1d(space.draw_alike(generator, SAMPLE, GROUPS), [start])
    bounds = screener(indices, count=True)
    for _ in range(CLIMBS):
        if progress:
            progress(len(indices), len(indices))
        best = indices[np.argsort(bounds, kind="stable")[:SEEDS]]
        around = np.unique(np.concatenate([space.steps(int(index), numbers=True) for index in best]))
        new = np.setdiff1d(around, indices, assume_unique=True)
        if not len(new):
            break
        indices, bounds = np.concatenate([indices, new]), np.concatenate([bounds, screener(new, count=True)])
    return indices, bounds
