"""Feasibility first: what fits the chip and how fast it could be at best, for the whole space before anything is timed.

A *cell* is a configuration but for its slots. Slots cost memory and never time, so a cell has one lower bound, and only its
maximal slots are worth timing: those representatives stand for all.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .model import Model
from .slots import Fitting, fitting
from .space import Indices, Space

WHOLE = 4_000_000
"""The most cells that are screened whole."""
STRUCTURES = 4096
"""The most structures, each of which costs the model some milliseconds, and the numbers in it little."""
SAMPLE = 160
"""How many random structures stand for a larger space at first."""
CELLS = 20_000
"""How many cells of one structure are looked at if it cannot be screened whole."""
SEEDS, CLIMB = 4, 160
"""A larger space is then followed downhill: from how many of the best structures at a time, and how many are looked at more."""

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
    feasible: int
    """How many of them fit the chip."""
    removed: Mapping[str, int]
    """How many of them each limit ruled out, the first limit violated counting."""
    order: Indices
    """Those worth timing, best lower bound first: of what differs in slots only the maximal ones, of equal programs one."""
    bounds: Bounds
    """Their lower bounds, ascending."""
    cells: Cells = field(repr=False)

    @property
    def whole(self) -> bool:
        """True if no configuration was left out."""
        return self.screened == self.space.size

    def below(self, latency_us: float) -> int:
        """How many of `order` have a lower bound below `latency_us`: those that might still be faster."""
        return int(np.searchsorted(self.bounds, latency_us, side="left"))

    def bounds_of(self, indices: Indices) -> Bounds:
        """The lower bounds of any configurations, screened already or not; infinite where one does not fit."""
        return np.array([self.cells.bound(int(index)) for index in indices], dtype=np.float64)

    def lifted(self, indices: Indices) -> Indices:
        """What stands for these configurations: the same with maximal slots, and without what makes no difference."""
        found = dict.fromkeys(each for index in indices for each in self.cells.representatives(int(index)))
        return np.fromiter(found, dtype=np.int64, count=len(found))


class Cells:
    """Screens cells, a structure at a time, and knows what has been screened."""

    def __init__(self, model: Model, space: Space, generator: np.random.Generator) -> None:
        self.space = space
        self.screened = 0
        self.feasible = 0
        self.removed: Counter[str] = Counter()
        self.best: dict[int, float] = {}
        """The best lower bound in each structure screened, by its canonical number."""
        self._model = model
        self._generator = generator
        self._slots = [each for each, slots in zip(space.tunables, space.slots, strict=True) if slots]
        self._per_cell = int(np.prod(space.radices[space.slots]))
        self._canonical: dict[int, int] = {}
        self._has: dict[int, NDArray[np.intp]] = {}
        """Which tunables of slots the program of a canonical structure has."""
        self._counted: set[int] = set()
        self._counts: dict[int, Fitting] = {}
        self._found: list[tuple[Indices, Bounds]] = []
        self._table: dict[int, tuple[float, list[int]]] = {}
        self._tabled = 0

    def screen(self, group: Indices) -> None:
        """Counts every cell of a structure, given as choice indices; equal programs are computed once."""
        number = int(self.space.indices(group))
        if number in self._counted:
            return
        self._counted.add(number)
        same = self.canonical(number)
        if same not in self._counts:
            chosen = self.space.digits(np.array([same]))[0]
            cells = self.space.cells(chosen, self._generator, WHOLE if self._all else CELLS)
            self._counts[same], indices, bounds = self._fitting(cells)
            self.best[same] = float(bounds.min()) if len(bounds) else np.inf
            self._found.append((indices, bounds))
        counts = self._counts[same]
        self.screened += counts.feasible + sum(counts.removed.values())
        self.feasible += counts.feasible
        self.removed.update(counts.removed)

    @property
    def _all(self) -> bool:
        return self.space.size // self._per_cell <= WHOLE

    def canonical(self, structure: int) -> int:
        """The number of the structure that makes the same program, with every choice that makes no difference at its first."""
        if structure not in self._canonical:
            relevant = self._model.canonical(self.space.config(structure))
            digits = self.space.digits(np.array([structure]))[0]
            kept = [each.name in relevant for each in self.space.tunables]
            self._canonical[structure] = int(self.space.indices(np.where(kept, digits, 0)))
        return self._canonical[structure]

    def all(self) -> tuple[Indices, Bounds]:
        """The representatives of all that has been screened, and their bounds."""
        indices = [each for each, _ in self._found] or [np.empty(0, np.int64)]
        return np.concatenate(indices), np.concatenate([each for _, each in self._found] or [np.empty(0)])

    def bound(self, index: int) -> float:
        """The lower bound of a configuration; infinite if it does not fit."""
        bound, maximal = self._cell(index)
        has = self._has[self.canonical(int(self.space.structure_of(np.array([index]))[0]))]
        digits = self.space.digits(np.array([index, *maximal]))[:, has]
        return bound if (digits[0] <= digits[1:]).all(axis=1).any() else np.inf

    def representatives(self, index: int) -> list[int]:
        """What is worth timing of a configuration and of all that differ from it in slots."""
        return self._cell(index)[1]

    def _cell(self, index: int) -> tuple[float, list[int]]:
        structure = int(self.space.structure_of(np.array([index]))[0])
        cell = int(self.space.without_slots(np.array([index]))[0]) - structure + self.canonical(structure)
        if self._all:
            # All cells of a structure cost hardly more than one, and its neighbours will be asked for next.
            self.screen(self.space.digits(np.array([self.canonical(structure)]))[0])
        self._write_up()
        if self._all:
            return self._table.get(cell, (np.inf, []))
        if cell not in self._table:
            _, indices, bounds = self._fitting(np.array([cell]))
            self._table[cell] = (float(bounds[0]), indices.tolist()) if len(bounds) else (np.inf, [])
        return self._table[cell]

    def _write_up(self) -> None:
        """Looks at what has been screened since the last time; what is absent of a whole structure is infeasible."""
        for indices, bounds in self._found[self._tabled :]:
            cells = self.space.without_slots(indices)
            for cell, index, bound in zip(cells.tolist(), indices.tolist(), bounds.tolist(), strict=True):
                self._table.setdefault(cell, (bound, []))[1].append(index)
        self._tabled = len(self._found)

    def _fitting(self, cells: Indices) -> tuple[Fitting, Indices, Bounds]:
        footprint = self._model.footprint(self.space.config(int(cells[0])), self.space.tiles(cells))
        structure = int(self.space.structure_of(cells[:1])[0])
        has = [place for place, each in enumerate(self.space.tunables) if each.name in footprint.each]
        self._has[structure] = np.array(has, dtype=np.intp)
        found = fitting(footprint, self._slots)
        rows, digits = np.concatenate(found.rows), np.concatenate(found.digits)
        return found, self.space.with_slots(cells[rows], digits), footprint.lower_bound_us[rows]


def survey(
    model: Model, space: Space, start: int, seed: int = 0, progress: Report | None = None, patience_s: float | None = None
) -> Landscape:
    """Screens the whole space, or of one too large a sample of structures and what lies downhill of its best.

    Too large is more than `WHOLE` cells or `STRUCTURES` structures, or what would take longer than `patience_s`. `start` is a
    configuration whose structure is in every sample; `progress` is told how many are screened, and of how many.
    """
    generator = np.random.default_rng(seed)
    cells = Cells(model, space, generator)
    own = space.digits(space.structure_of(np.array([start])))[0]
    groups = space.groups(generator, STRUCTURES)
    everything = cells._all and space.structure_count <= STRUCTURES
    order = np.concatenate([own[None], generator.permutation(groups)])
    end_s = None if patience_s is None else time.monotonic() + patience_s
    if not _screen_all(cells, order if everything else order[:SAMPLE], progress, patience_s) or not everything:
        _climb(cells, progress, end_s)
    indices, bounds = cells.all()
    # Of equal bounds any may come first.
    sort = np.lexsort((generator.random(len(indices)), bounds))
    return Landscape(space, cells.screened, cells.feasible, dict(cells.removed), indices[sort], bounds[sort], cells)


def _screen_all(cells: Cells, groups: Indices, progress: Report | None, patience_s: float | None) -> bool:
    """Screens structures; False if that is given up, after `SAMPLE` of them or half the time, because all would take too long."""
    begin = time.monotonic()
    for done, group in enumerate(groups):
        spent_s = time.monotonic() - begin
        enough = done >= SAMPLE or (patience_s is not None and spent_s > patience_s / 2)
        if patience_s is not None and done and enough and spent_s * len(groups) > done * patience_s:
            return False
        cells.screen(group)
        if progress:
            progress(cells.screened, cells.screened * len(groups) // (done + 1))
    return True


def _climb(cells: Cells, progress: Report | None, end_s: float | None) -> None:
    """Screens the structures around the best ones, until there are none new or time is up."""
    most, expanded = len(cells.best) + CLIMB, set[int]()
    while best := sorted(cells.best.keys() - expanded, key=lambda each: cells.best[each])[:SEEDS]:
        expanded.update(best)
        around = [other for group in cells.space.digits(np.array(best)) for other in cells.space.structures(group)]
        for other in around:
            if len(cells.best) >= most or (end_s is not None and time.monotonic() > end_s):
                return
            cells.screen(other)
        if progress:
            progress(cells.screened, cells.screened)
