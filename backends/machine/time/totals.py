"""Counts of everything a program executes, in closed form, for one configuration or for arrays of them.

All steps of a loop are alike except a shorter last one. So every instruction is visited once for each combination of full and
shorter steps of the loops around it, with the number of times that this combination is executed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from tilery.dsl.program import Axis, size_value

from ..engine_program import Instruction, Loop, Node, Setting, Structure
from ..numbers import Number, ceil_div, smaller
from ..widths import widened
from .dealing import dealing
from .guards import GuardedSteps, executed_steps, guard_axes

GuardTable = tuple[list[Counter[tuple[bool, ...]]], NDArray[np.intp], tuple[int, ...]]
"""For a guarded loop: the executed steps for each distinct combination of tile sizes, the number of the combination that each
configuration has, and the shape of the arrays."""


class Totals:
    """Counts what a structure executes at given tile sizes."""

    def __init__(self, structure: Structure, dims: Mapping[str, int], tiles: Mapping[str, Number], cores: int = 1) -> None:
        """`tiles`: the tile size of every tile variable, a number or an array of numbers, none larger than its dimension.

        With several cores, what the busiest core executes is counted.
        """
        self._structure = structure
        tiles = widened(structure.widths, dims, tiles)
        self.setting = Setting(structure, dims, tiles, cores)
        sizes = {name: int(size) for name, size in tiles.items()} if cores > 1 else {}
        self._dealt = {each.axis.name: each.cores for each in dealing(structure, dims, sizes, cores)} if cores > 1 else {}
        self._dims = dims
        self._tiles = tiles
        self.axes = structure_axes(structure)
        self._guard_tables: dict[Loop, GuardTable] = {}

    def executed(self) -> Iterator[tuple[Instruction, Number, Mapping[str, Number]]]:
        """Every instruction, how often it is executed at certain extents of its axes, and these extents."""
        extents = {name: size_value(axis.size, self._dims) for name, axis in self.axes.items() if axis.whole}
        yield from self._body(self._structure.body, 1, extents, {})

    def _body(
        self, body: tuple[Node, ...], times: Number, extents: Mapping[str, Number], counts: Mapping[str, tuple[bool, Number]]
    ) -> Iterator[tuple[Instruction, Number, Mapping[str, Number]]]:
        for node in body:
            if isinstance(node, Instruction):
                yield node, times, extents
                continue
            for ragged, count, extent in self._classes(node, extents, counts):
                inner = {**counts, node.axis.name: (ragged, self._alone(node, ragged))} if node.limit is None else counts
                yield from self._body(node.body, times * count, {**extents, node.axis.name: extent}, inner)

    def _classes(
        self, loop: Loop, extents: Mapping[str, Number], counts: Mapping[str, tuple[bool, Number]]
    ) -> Iterator[tuple[bool, Number, Number]]:
        """The full steps, then the shorter one: whether it is the shorter one, the number of steps, and their extent."""
        name = loop.axis.name
        whole = extents[loop.axis.parent] if loop.axis.parent else size_value(loop.axis.size, self._dims)
        extent = whole if loop.limit is None else extents[name]
        tile = smaller(extent, self._tiles.get(name, 1) if loop.limit is None else loop.limit)
        rest = extent % tile
        full, last = extent // tile, (rest > 0) * 1
        if self._cores(loop) > 1:
            full, last = dealt(extent, tile, self._cores(loop))
        for ragged, count, covered in ((False, full, tile), (True, last, rest)):
            if loop.guard is not None:
                count = self._guarded(loop, ragged, counts)
            if np.any(count):
                # Some configurations may have no such step: their count is 0, and their extent 1, which costs can divide by.
                yield ragged, count, covered + (covered == 0)

    def _cores(self, loop: Loop) -> int:
        """Among how many cores a loop's steps are divided."""
        return self._dealt.get(loop.axis.name, 1) if loop.parallel and loop.limit is None else 1

    def _alone(self, loop: Loop, ragged: bool) -> Number:
        extent, tile = size_value(loop.axis.size, self._dims), self._tiles.get(loop.axis.name, 1)
        full, last = extent // tile, (extent % tile > 0) * 1
        if self._cores(loop) > 1:
            full, last = dealt(extent, tile, self._cores(loop))
        return last if ragged else full

    def _guarded(self, loop: Loop, ragged: bool, counts: Mapping[str, tuple[bool, Number]]) -> Number:
        """Executed steps of a guarded loop, on average over the positions of the loops around it."""
        names = sorted(guard_axes(loop) | {loop.axis.name})
        outer = [name for name in names if name != loop.axis.name]
        kinds = tuple(ragged if name == loop.axis.name else counts[name][0] for name in names)
        around: Number = 1
        for name in outer:
            around = around * counts[name][1]
        total = self._looked_up(loop, names, kinds)
        return total / np.maximum(around, 1) if isinstance(around, np.ndarray) else total / max(around, 1)

    def _looked_up(self, loop: Loop, names: list[str], kinds: tuple[bool, ...]) -> Number:
        """The count for every configuration. Each combination of tile sizes is counted once and kept."""
        if loop not in self._guard_tables:
            self._guard_tables[loop] = self._guard_table(loop, names)
        found, where, shape = self._guard_tables[loop]
        counts = np.asarray([each[kinds] for each in found])[where].reshape(shape)
        return counts if counts.ndim else int(counts)

    def _guard_table(self, loop: Loop, names: list[str]) -> GuardTable:
        assert loop.guard is not None
        sizes = np.broadcast_arrays(*(np.asarray(self._tiles.get(name, 1)) for name in names))
        distinct, where = np.unique(np.stack([each.ravel() for each in sizes]), axis=1, return_inverse=True)
        extents = [size_value(self.axes[name].size, self._dims) for name in names]
        dealt_out = tuple(self._dealt.get(name, 1) for name in names)
        found = [
            executed_steps(
                GuardedSteps(loop.guard, tuple(zip(names, extents, map(int, column), strict=True)), self._dims, dealt_out)
            )
            for column in distinct.T
        ]
        return found, where.ravel(), sizes[0].shape


def dealt(extent: Number, tile: Number, cores: int) -> tuple[Number, Number]:
    """The numbers of full and of shorter steps of the busiest core. Core i takes the steps i, i + cores, i + 2 cores, ..."""
    steps, ragged = ceil_div(extent, tile), extent % tile > 0
    last = ragged * ((steps - 1) % cores == 0) * 1
    return ceil_div(steps, cores) - last, last


def structure_axes(structure: Structure) -> dict[str, Axis]:
    """All axes of a structure's loops and buffers, by name."""
    found = structure.axes
    waiting: list[Node] = list(structure.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Loop):
            found[node.axis.name] = node.axis
            waiting += node.body
    return found
