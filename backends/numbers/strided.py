"""Views of an array at evenly spaced places, none of which lies outside, and adding to places that may be the same.

    y[j + s] of W + S - 1 elements        0 1 2 3        the view over j, s: element (1, 2) is y[3], and so is (2, 1)
    as a view of 3 by 3                   1 2 3 4
                                          2 3 4 5

numpy's own `as_strided` believes whatever it is told, and then reads and writes foreign memory. Here the places along each
dimension are checked first, however wrong the sizes that they come from may be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from tilery.dsl.errors import Portable

from .rounding import Array

Sum = Callable[[Array, Array], Array]
"""What `+=` leaves at some places: given what is there and what is added, both of one shape."""


class Outside(Portable):
    """A place that the array does not have."""

    def __init__(self, dimension: int, position: int) -> None:
        super().__init__(f"dimension {dimension} has no position {position}")
        self.dimension = dimension
        self.position = position


@dataclass(frozen=True, slots=True)
class Run:
    """The positions along one dimension: `start + sum(step * i)`, `i` counting along each of the axes that have a step."""

    start: int
    steps: Sequence[tuple[int, int]]
    """The number of an axis of the view, and what one step along it adds."""

    def reach(self, shape: Sequence[int]) -> tuple[int, int]:
        """The least position, and one past the greatest."""
        ends = [step * (shape[axis] - 1) for axis, step in self.steps]
        return self.start + sum(min(0, end) for end in ends), self.start + sum(max(0, end) for end in ends) + 1


def strided(array: Array, runs: Sequence[Run], shape: Sequence[int]) -> Array:
    """The view of this shape with the given run along each dimension of `array`. Raises `Outside`."""
    if 0 in shape:
        return np.empty(shape, array.dtype)
    strides = [0] * len(shape)
    first: list[slice] = []
    for dimension, (run, extent, stride) in enumerate(zip(runs, array.shape, array.strides, strict=True)):
        low, high = run.reach(shape)
        if low < 0 or high > extent:
            raise Outside(dimension, low if low < 0 else high - 1)
        for axis, step in run.steps:
            strides[axis] += step * stride
        first.append(slice(run.start, None))
    begin = array[tuple(first)]
    # Through plain bits: numpy cannot tell some types of ml_dtypes from their description, which is all that it is given here.
    bits = begin.view(f"u{array.itemsize}")
    return np.lib.stride_tricks.as_strided(bits, shape, strides).view(array.dtype)


def add_to_view(view: Array, tile: Array, total: Sum) -> None:
    """Adds a tile to a view of the same shape, whose elements may lie at the same places: each addition is made.

    The axes along which places differ for certain are taken at once, the others step by step.
    """
    looped = [axis for axis in range(view.ndim) if axis not in _apart(view)]
    for where in product(*(range(view.shape[axis]) for axis in looped)):
        place: list[int | slice] = [slice(None)] * view.ndim
        for axis, number in zip(looped, where, strict=True):
            place[axis] = number
        part = view[(*place, ...)]
        part[...] = total(part, tile[(*place, ...)])


def _apart(view: Array) -> set[int]:
    """Axes, the longest first, over whose positions no two elements of the view lie at one place."""
    found: set[int] = set()
    for axis in sorted(range(view.ndim), key=lambda each: -view.shape[each]):
        if _are_apart([(abs(view.strides[each]), view.shape[each]) for each in {*found, axis}], view.itemsize):
            found.add(axis)
    return found


def _are_apart(axes: Sequence[tuple[int, int]], itemsize: int) -> bool:
    """Whether each stride goes beyond all that the smaller ones reach together."""
    reach = itemsize - 1
    for stride, extent in sorted(axes):
        if extent > 1 and stride <= reach:
            return False
        reach += stride * (extent - 1)
    return True


def add_at(array: Array, positions: Sequence[Array], tile: Array, total: Sum, fn: str = "add") -> None:
    """Adds a tile to the elements of `array` at positions, one array a dimension, that broadcast to the tile and may repeat.

    All must lie inside. Elements that repeat are added in the order of the tile.
    """
    if array.ndim == 0:  # of which numpy counts no places
        add_at(array.reshape(1), (np.zeros(tile.shape, np.intp),), tile, total)
        return
    flat = np.ravel_multi_index(np.broadcast_arrays(*positions), array.shape)
    places, terms = np.broadcast_to(flat, tile.shape).reshape(-1), tile.reshape(-1)
    if fn == "add" and array.dtype == tile.dtype and array.dtype.kind in "fi" and array.itemsize >= 4:
        # Nothing is rounded but the sums themselves.
        touched, where = np.unique(places, return_inverse=True)
        there = np.unravel_index(touched, array.shape)
        sums = array[there]
        np.add.at(sums, where, terms)
        array[there] = sums
        return
    for some in _once_each(places):
        there = np.unravel_index(places[some], array.shape)
        array[there] = total(array[there], terms[some])


def _once_each(places: Array) -> list[Array]:
    """The numbers of the terms in rounds, in each of which no place comes twice."""
    order = np.argsort(places, kind="stable")
    sorted_places = places[order]
    begins = np.flatnonzero(np.r_[True, sorted_places[1:] != sorted_places[:-1]]) if places.size else np.zeros(0, int)
    counts = np.diff(np.r_[begins, places.size])
    rank = np.arange(places.size) - np.repeat(begins, counts)
    by_rank = np.argsort(rank, kind="stable")
    ends = np.cumsum(np.bincount(rank)) if places.size else np.zeros(0, int)
    return [order[each] for each in np.split(by_rank, ends[:-1])] if places.size else []
