"""Device memory as a transfer sees it: the positions that an index stands for, and the axis that is contiguous."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilery.dsl.program import AffineIndex, Axis, AxisIndex, GatherIndex, Index, Value, index_axes, size_value

from ..machine.execute.evaluate import Ranges, names
from ..operations import numerics
from ..operations.numerics import Array


def contiguous_axis(index: tuple[Index, ...]) -> Axis | None:
    """The axis along which consecutive elements lie in device memory; None if there is none."""
    last = index[-1] if index else None
    if isinstance(last, AxisIndex):
        return last.axis
    if isinstance(last, AffineIndex):
        return next((axis for axis, stride in last.terms if stride == 1), None)
    return None


def long_axes(index: tuple[Index, ...]) -> list[Axis]:
    """The axes that are not of extent one by definition, in the order of the index."""
    return [axis for axis in index_axes(index) if not axis.unit]


def is_strided(index: tuple[Index, ...], partition: Axis | None) -> bool:
    """Whether a transfer would move single elements: the contiguous axis lies across the partitions."""
    return len(long_axes(index)) > 1 and partition is not None and contiguous_axis(index) == partition


def alongside(index: tuple[Index, ...]) -> Axis:
    """The partition axis to take if not the contiguous one: the last of the others."""
    return next(axis for axis in reversed(long_axes(index)) if axis != contiguous_axis(index))


def is_plain(index: tuple[Index, ...]) -> bool:
    """Whether every dimension is indexed by a single axis, without arithmetic."""
    return all(isinstance(each, AxisIndex) for each in index)


def gathered(index: tuple[Index, ...]) -> tuple[Value, ...]:
    """The integer tiles whose values are positions."""
    return tuple(each.value for each in index if isinstance(each, GatherIndex))


@dataclass(frozen=True, slots=True)
class Places:
    """The elements of a tensor that a tile stands for."""

    positions: tuple[NDArray[np.integer], ...]
    """One array a dimension; together they broadcast to the tile, its axes in the order of `index_axes`."""
    inside: NDArray[np.bool_]
    """Which of the positions lie inside the tensor."""


def places(
    index: tuple[Index, ...], shape: tuple[int, ...], ranges: Ranges, dims: Mapping[str, int], values: Mapping[Value, Array]
) -> Places:
    """The positions that an index stands for where the loops are at `ranges`."""
    axes = names(index_axes(index))
    found = [_positions(each, axes, ranges, dims, values) for each in index]
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
