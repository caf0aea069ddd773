"""Screens cells, one structure at a time, and remembers the results.

A *cell* is a configuration without its numbers of slots. Slots cost memory and never time. So a cell has one lower bound, and
only its maximal combinations of slots (its *representatives*) are worth timing.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..deadline import NEVER, Deadline
from ..model.protocol import Footprint, Model
from .configurations import Indices, Space
from .filling import Filling
from .slots import GRID, combinations, fitting

WHOLE = 4_000_000
"""If a structure has more cells than this, it is sampled."""
CELLS = 20_000
"""How many cells are screened in one call, and the size of the sample of a structure that is too large."""
KEPT = 2_000_000
"""At most so many representatives are kept: some 50 MB."""
FOOTPRINTS = 32
"""How many structures keep their computed footprints; only those with at most `SMALL` cells do."""
SMALL = 4096

Bounds = NDArray[np.float64]
"""Lower bounds on latency in microseconds; infinite where infeasible."""


@dataclass(frozen=True, slots=True)
class Screened:
    """Representatives of some cells of one structure, in the order of the cells."""

    cells: Indices
    indices: Indices
    bounds: Bounds

    def of(self, cell: int) -> tuple[float, list[int]]:
        """A cell's lower bound and its representatives. A cell that does not fit has an infinite bound and no representatives."""
        first, last = np.searchsorted(self.cells, [cell, cell + 1])
        return (float(self.bounds[first]), self.indices[first:last].tolist()) if first < last else (np.inf, [])


@dataclass(frozen=True, slots=True)
class Counts:
    """How many configurations of a structure were looked at."""

    feasible: int
    removed: Counter[str]


class Cells:
    """The cells screened so far. A question about another cell screens it first."""

    def __init__(self, model: Model, space: Space, generator: np.random.Generator) -> None:
        self.space = space
        self.screened = 0
        self.feasible = 0
        self.removed: Counter[str] = Counter()
        self.best: dict[int, float] = {}
        """The best lower bound in each structure screened, by its canonical number."""
        self.kept = 0
        """The number of representatives kept."""
        self._model = model
        self._generator = generator
        self._slots = [each for each, slots in zip(space.tunables, space.slots, strict=True) if slots]
        self._per_cell = math.prod(space.radices[space.slots].tolist())
        self._canonical: dict[int, int] = {}
        self._counted: set[int] = set()
        self._counts: dict[int, Counts] = {}
        self._found: dict[int, Screened] = {}
        self._single: dict[int, tuple[float, list[int]]] = {}
        """Cells screened one by one, of structures that are too large to screen whole."""
        self._partial: set[int] = set()
        """Structures of which only a part was screened."""
        self._kinds: dict[int, tuple[bool, NDArray[np.intp]]] = {}
        """For each structure: whether it has too many combinations of slots to enumerate, and which slots it has."""
        self._footprints: OrderedDict[int, tuple[Indices, Footprint]] = OrderedDict()

    @property
    def structures(self) -> int:
        """How many structures have been screened; structures with equal programs all count."""
        return len(self._counted)

    @property
    def full(self) -> bool:
        """Whether the limit on kept representatives is reached."""
        return self.kept >= KEPT

    @property
    def can_be_whole(self) -> bool:
        """Whether a structure has few enough cells to screen all of them."""
        return bool(self.space.size // self._per_cell <= WHOLE)

    def knows(self, structure: int) -> bool:
        """Whether a question about this structure needs no lowering."""
        return structure in self._canonical

    def screen(self, group: Indices, deadline: Deadline = NEVER) -> None:
        """Screens a structure, given as choice indices, and counts every cell of it. Structures with equal programs are
        computed once."""
        number = int(self.space.indices(group))
        if number in self._counted:
            return
        same = self.canonical(number)
        if same not in self._counts:
            self._screen(same, deadline)
        counts = self._counts[same]
        self._counted.add(number)
        self.screened += counts.feasible + sum(counts.removed.values())
        self.feasible += counts.feasible
        self.removed.update(counts.removed)

    def _screen(self, same: int, deadline: Deadline) -> None:
        chosen = self.space.digits(np.array([same]))[0]
        cells = self.space.cells(chosen, self._generator, WHOLE if self.can_be_whole else CELLS)
        feasible, removed, parts = 0, Counter[str](), []
        for start in range(0, len(cells), CELLS):
            part, counts = self._fitting(same, cells[start : start + CELLS])
            parts.append(part)
            feasible += counts.feasible
            removed.update(counts.removed)
            if start + CELLS < len(cells) and (deadline.over or self.kept + sum(len(each.bounds) for each in parts) > KEPT):
                self._partial.add(same)
                break
        found = _joined(parts)
        self._found[same] = found
        self._counts[same] = Counts(feasible, removed)
        self.best[same] = float(found.bounds.min()) if len(found.bounds) else np.inf
        self.kept += len(found.bounds)

    def canonical(self, structure: int) -> int:
        """The number of the structure with the same program in which every choice without effect has its first value."""
        if structure not in self._canonical:
            relevant = self._model.canonical(self.space.config(structure))
            digits = self.space.digits(np.array([structure]))[0]
            kept = [each.name in relevant for each in self.space.tunables]
            self._canonical[structure] = int(self.space.indices(np.where(kept, digits, 0)))
        return self._canonical[structure]

    def all(self) -> tuple[Indices, Bounds]:
        """The representatives of all screened cells, and their bounds."""
        found = _joined(list(self._found.values()))
        return found.indices, found.bounds

    def bound(self, index: int) -> float:
        """The lower bound of a configuration; infinite if it does not fit."""
        bound, maximal = self._cell(index)
        structure = self._structure(index)
        if np.isfinite(bound) and self._kinds[structure][0]:
            filling, digits = self._filling(index)
            return bound if filling.fits(filling.used(digits))[0] else np.inf
        has = self._kinds[structure][1]
        digits = self.space.digits(np.array([index, *maximal]))[:, has]
        return bound if (digits[0] <= digits[1:]).all(axis=1).any() else np.inf

    def representatives(self, index: int) -> list[int]:
        """The representatives of a configuration's cell. If the cell has too many combinations of slots, the one nearest to the
        configuration comes first, then a sample."""
        bound, others = self._cell(index)
        if not np.isfinite(bound) or not self._kinds[self._structure(index)][0]:
            return others
        filling, digits = self._filling(index)
        order = filling.cheapest_first()
        nearest = filling.filled(filling.cut(digits, order), order)
        cell = np.array([self._cell_number(index)])
        return list(dict.fromkeys([int(self.space.with_slots(cell, nearest)[0]), *others]))

    def _structure(self, index: int) -> int:
        return self.canonical(int(self.space.structure_of(np.array([index]))[0]))

    def _cell_number(self, index: int) -> int:
        structure = int(self.space.structure_of(np.array([index]))[0])
        return int(self.space.without_slots(np.array([index]))[0]) - structure + self.canonical(structure)

    def _cell(self, index: int) -> tuple[float, list[int]]:
        structure, cell = self._structure(index), self._cell_number(index)
        if self.can_be_whole and structure not in self._partial:
            # All cells of a structure cost hardly more than one, and the search will ask for neighbours next.
            self.screen(self.space.digits(np.array([structure]))[0])
        if structure in self._found and self.can_be_whole and structure not in self._partial:
            return self._found[structure].of(cell)
        if structure in self._found and np.isfinite((known := self._found[structure].of(cell))[0]):
            return known
        if cell not in self._single:
            self._single[cell] = self._fitting(structure, np.array([cell]))[0].of(cell)
        return self._single[cell]

    def _fitting(self, structure: int, cells: Indices) -> tuple[Screened, Counts]:
        footprint = self._footprint(structure, cells)
        found = fitting(footprint, self._slots)
        rows, digits = np.concatenate(found.rows), np.concatenate(found.digits)
        order = np.argsort(rows, kind="stable")
        rows, digits = rows[order], digits[order]
        part = Screened(cells[rows], self.space.with_slots(cells[rows], digits), footprint.lower_bound_us[rows])
        return part, Counts(found.feasible, found.removed)

    def _footprint(self, structure: int, cells: Indices) -> Footprint:
        """The footprint of these cells; the latest ones are cached."""
        known = self._footprints.get(structure)
        if known and np.array_equal(known[0], cells):
            self._footprints.move_to_end(structure)
            return known[1]
        footprint = self._model.footprint(self.space.config(int(cells[0])), self.space.tiles(cells))
        has = [place for place, each in enumerate(self.space.tunables) if each.name in footprint.each]
        self._kinds[structure] = combinations(footprint, self._slots) > GRID, np.array(has, dtype=np.intp)
        if len(cells) <= SMALL:
            self._footprints[structure] = cells, footprint
            self._footprints.move_to_end(structure)
        if len(self._footprints) > FOOTPRINTS:
            self._footprints.popitem(last=False)
        return footprint

    def _filling(self, index: int) -> tuple[Filling, NDArray[np.int64]]:
        """One cell's memory, and a configuration's slots in it. Slots that the program does not have stand at their first
        choice."""
        structure, cell = self._structure(index), self._cell_number(index)
        cells, footprint = self._footprints.get(structure, (np.empty(0, np.int64), None))
        place = np.flatnonzero(cells == cell)
        if footprint is None or not len(place):
            footprint, place = self._footprint(structure, np.array([cell])), np.array([0])
        filling = Filling.of(footprint, self._slots).at(place[:1])
        digits = self.space.digits(np.array([index]))[:, self.space.slots]
        return filling, np.minimum(digits, filling.most)


def _joined(parts: list[Screened]) -> Screened:
    if not parts:
        return Screened(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    return Screened(*(np.concatenate(each) for each in zip(*map(_columns, parts), strict=True)))


def _columns(part: Screened) -> Iterator[NDArray[np.int64] | Bounds]:
    yield from (part.cells, part.indices, part.bounds)
