"""Which elements a transfer means, and how a rectangle of runs lies in its buffer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilery.backends.operations import numerics
from tilery.backends.operations.numerics import Array
from tilery.dsl.program import AffineIndex, AxisIndex, GatherIndex, Index, Value, index_axes, size_value

from .evaluate import Ranges, names


@dataclass(frozen=True, slots=True)
class Places:
    """The elements of a tensor that a tile stands for."""

    positions: tuple[NDArray[np.integer], ...]
    """One array a dimension; together they broadcast to the tile, its axes in the order of `index_axes`."""
    inside: NDArray[np.bool_]
    """Which of the positions lie inside the tensor."""


def places(
    index: tuple[Index, ...],
    shape: tuple[int, ...],
    ranges: Ranges,
    dims: Mapping[str, int],
    values: Mapping[Value, Array],
    starts: Sequence[int] | None = None,
) -> Places:
    """The positions that an index stands for where the loops are at `ranges`, counted from `starts`, else from 0."""
    axes = names(index_axes(index))
    found = [_positions(each, axes, ranges, dims, values) for each in index]
    if starts is not None:
        found = [each - start for each, start in zip(found, starts, strict=True)]
    inside = np.ones((), np.bool_)
    for positions, extent in zip(found, shape, strict=True):
        inside = inside & (positions >= 0) & (positions < extent)
    clipped = tuple(np.clip(each, 0, max(0, extent - 1)) for each, extent in zip(found, shape, strict=True))
    sizes = [ranges[name][1] - ranges[name][0] for name in axes]
    return Places(clipped, np.broadcast_to(inside, sizes))


def _positions(
    index: Index, axes: list[str], ranges: Ranges, dims: Mapping[str, int], values: Mapping[Value, Array]
) -> NDArray[np.integer]:
    match index:
        case AxisIndex(axis):
            return numerics.aligned(np.arange(*ranges[axis.name]), [axis.name], axes)
        case AffineIndex(terms, offset):
            total = np.full((1,) * len(axes), size_value(offset, dims))
            for axis, stride in terms:
                steps = np.arange(*ranges[axis.name]) * size_value(stride, dims)
                total = total + numerics.aligned(steps, [axis.name], axes)
            return total
        case GatherIndex(value):
            return numerics.aligned(values[value].astype(np.int64), names(value.axes), axes)


def by_lane(tile: Array, axes: list[str], runs: str, lane: str, lanes: int) -> tuple[Array, list[str]]:
    """A rectangle with its run axis split in two: `lane`, the partition, and first of all axes `runs`, the place in a run."""
    place = axes.index(runs)
    shape = (*tile.shape[:place], lanes, -1, *tile.shape[place + 1 :])
    return tile.reshape(shape), [*axes[:place], lane, *axes[place:]]
