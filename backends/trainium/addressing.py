"""Device memory as a transfer sees it: which axis is contiguous there."""

from __future__ import annotations

from tilery.dsl.program import AffineIndex, Axis, AxisIndex, GatherIndex, Index, Value, index_axes


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


def long_axes_of(value: Value) -> list[Axis]:
    """The axes of positions that are not of extent one by definition."""
    return [axis for axis in value.axes if not axis.unit]


def chooses_along_rows(index: tuple[Index, ...]) -> bool:
    """Whether positions differ along more than one axis, so that one row a partition is not all that they choose."""
    axes = {axis for value in gathered(index) for axis in long_axes_of(value)}
    return len(axes) > 1


def is_plain(index: tuple[Index, ...]) -> bool:
    """Whether every dimension is indexed by a single axis, without arithmetic."""
    return all(isinstance(each, AxisIndex) for each in index)


def gathered(index: tuple[Index, ...]) -> tuple[Value, ...]:
    """The integer tiles whose values are positions."""
    return tuple(each.value for each in index if isinstance(each, GatherIndex))
