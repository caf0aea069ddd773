"""Screens arrays of configurations: which limit each exceeds, and a lower bound on its latency.

Configurations of one structure share every formula; their tile sizes and slots are arrays in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilery.backends.chips import Chip
from tilery.backends.families import family_of
from tilery.backends.tunable import Tunable, retuned
from tilery.dsl.program import Axis, Program, size_value

from ..engine_program import Structure
from ..family import Lowering
from ..numbers import Number
from ..segments import segments
from ..time.bounds import lower_bound_s
from ..time.energy import energy
from ..time.run_traffic import traffic_of
from ..widths import widened
from .assemble import lowering, tunables

ROUNDING = 1 - 1e-6
"""The exact latency rounds every instruction to whole femtoseconds. This factor keeps the bound below it."""

Columns = Mapping[str, NDArray[np.integer]]


@dataclass(frozen=True, slots=True)
class Screening:
    """The result of screening an array of configurations."""

    limit: NDArray[np.int64]
    """0: feasible; else 1 + the place in `limits` of the first limit violated."""
    limits: tuple[str, ...]
    lower_bound_us: NDArray[np.float64]
    """A lower bound on the latency."""
    over: NDArray[np.float64]
    """By what share the limit is exceeded; 0 where feasible."""
    energy_j: NDArray[np.float64] | None = None
    """Joules of a run, if they were asked for; NaN where the chip has no numbers for it."""


def screen(
    kernel: Program,
    dims: Mapping[str, int],
    chip: Chip,
    columns: Columns,
    *,
    energies: bool = False,
    within: Sequence[Tunable] | None = None,
) -> Screening:
    """Screens configurations given as choice indices: `columns[name][i]` is a place in that tunable's values.

    `within`: the space, if it is not the one that is searched.
    """
    space = {tunable.name: tunable for tunable in within or tunables(kernel, dims, chip)}
    count = len(next(iter(columns.values()))) if columns else 1
    memories = family_of(chip).memories(chip)
    used, bound, joules = np.zeros((len(memories), count)), np.zeros(count), np.full(count, np.nan)
    for bound_kernel, chosen in _by_tune(kernel, space, columns, count):
        road = lowering(bound_kernel, chip)
        for structure, rows in _by_structure(road, space, columns, chosen):
            sizes, first, where = _distinct(structure, dims, space, columns, rows)
            used[:, rows] = _memory(structure, sizes, first, where, space, columns, rows)
            bound[rows] = np.broadcast_to(lower_bound_s(structure, dims, sizes.tiles) * 1e6, len(first))[where]
            if energies and (taken := energy(chip, traffic_of(structure, dims, sizes.tiles))):
                joules[rows] = np.broadcast_to(taken.total_j, len(first))[where]
    limit, over = np.zeros(count, np.int64), np.zeros(count)
    for number, memory in reversed(list(enumerate(memories))):  # the first limit is the one that is told
        exceeded = used[number] / memory.capacity - 1
        limit, over = np.where(exceeded > 0, number + 1, limit), np.where(exceeded > 0, exceeded, over)
    limits = tuple(memory.name for memory in memories)
    return Screening(limit, limits, bound * ROUNDING, over, joules if energies else None)


def _by_tune(
    kernel: Program, space: Mapping[str, Tunable], columns: Columns, count: int
) -> Iterator[tuple[Program, NDArray[np.intp]]]:
    """The rows of each choice of the tuning parameters, with the kernel that they make."""
    names = [tune.name for tune in kernel.tunes]
    for rows in _alike(names, space, columns, np.arange(count)):
        yield retuned(kernel, {name: space[name].values[int(columns[name][rows[0]])] for name in names}), rows


def _by_structure(
    road: Lowering, space: Mapping[str, Tunable], columns: Columns, chosen: NDArray[np.intp]
) -> Iterator[tuple[Structure, NDArray[np.intp]]]:
    """The rows of each structure. Rows that differ in knobs that it does not have share it."""
    names = sorted(road.structural & space.keys())
    found: dict[Structure, list[NDArray[np.intp]]] = {}
    for rows in _alike(names, space, columns, chosen):
        structure = road.structure({name: space[name].values[int(columns[name][rows[0]])] for name in names})
        found.setdefault(structure, []).append(rows)
    yield from ((structure, np.concatenate(parts)) for structure, parts in found.items())


def _alike(
    names: Sequence[str], space: Mapping[str, Tunable], columns: Columns, rows: NDArray[np.intp]
) -> Iterator[NDArray[np.intp]]:
    """The rows, in parts that agree in the named columns."""
    if not names:
        yield rows
        return
    key = _combined([columns[name][rows] for name in names], [len(space[name].values) for name in names], len(rows))
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    yield from np.split(rows[order], starts[1:])


def _combined(columns: Sequence[NDArray[np.integer]], sizes: Sequence[int], count: int) -> NDArray[np.int64]:
    """A number for every row; rows with the same combination have the same number."""
    key = np.zeros(count, np.int64)
    for column, size in zip(columns, sizes, strict=True):
        key = key * size + column
    return key


def _distinct(
    structure: Structure, dims: Mapping[str, int], space: Mapping[str, Tunable], columns: Columns, rows: NDArray[np.intp]
) -> tuple[Sizes, NDArray[np.intp], NDArray[np.intp]]:
    """The distinct tile sizes among the rows, which of the rows have them first, and which of them every row has."""
    tiles = [name for name, tunable in space.items() if tunable.kind == "tile"]
    key = _combined([columns[name][rows] for name in tiles], [len(space[name].values) for name in tiles], len(rows))
    _, first, where = np.unique(key, return_index=True, return_inverse=True)
    distinct = {name: np.asarray(space[name].values)[columns[name][rows[first]]] for name in tiles}
    return Sizes(structure, dims, distinct), first, where


def _memory(
    structure: Structure,
    sizes: Sizes,
    first: NDArray[np.intp],
    where: NDArray[np.intp],
    space: Mapping[str, Tunable],
    columns: Columns,
    rows: NDArray[np.intp],
) -> NDArray[np.float64]:
    """What is taken of every memory, shape [memory, row]."""
    family, chip = structure.family, structure.chip
    places = {memory.name: number for number, memory in enumerate(family.memories(chip))}
    found = np.zeros((len(places), len(rows)))
    for alive in segments(structure):
        taken = np.zeros_like(found)
        for buffer in alive:
            slots = buffer.slots
            instances = slots if isinstance(slots, int) else np.asarray(space[slots].values)[columns[slots][rows]]
            instances = instances + structure.lags.get(buffer, 0)
            one = np.broadcast_to(family.takes(buffer, chip, sizes.tile, sizes.extent), len(first))
            taken[places[buffer.memory]] += instances * one[where]
        found = np.maximum(found, taken)
    return found


class Sizes:
    """Tile sizes of many configurations, as the capacity formulas ask for them."""

    def __init__(self, structure: Structure, dims: Mapping[str, int], tiles: Mapping[str, NDArray[np.integer]]) -> None:
        self._dims = dims
        self.tiles: dict[str, Number] = {}
        for variable in structure.kernel.loop_variables:
            axis = variable.axis
            if axis.unit:
                continue
            size = tiles.get(axis.name, variable.by.choices[0] if variable.by.choices else 1)
            self.tiles[axis.name] = np.minimum(size, size_value(axis.size, dims))
            if axis.parent:
                self.tiles[axis.name] = np.minimum(self.tiles[axis.name], self.tiles[axis.parent])
        self.tiles = widened(structure.widths, dims, self.tiles)

    def extent(self, axis: Axis) -> int:
        """Positions of the whole dimension."""
        return size_value(axis.size, self._dims)

    def tile(self, axis: Axis) -> Number:
        """Positions of a full step."""
        return self.extent(axis) if axis.whole else self.tiles.get(axis.name, 1)
