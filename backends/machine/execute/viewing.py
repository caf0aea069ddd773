"""A view of a buffer: the elements that an access pattern reads or writes, as a view of the numpy array that holds them.

Positions count over whole dimensions. What an instance holds begins somewhere in them, which is taken off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilery.backends.numbers.strided import Outside, Run, strided
from tilery.backends.operations.numerics import Array
from tilery.dsl.program import AffineIndex, AxisIndex, Index, index_axes, size_value

from ..engine_program import Buffer, View
from ..errors import EngineFault
from ..splits import Range
from .evaluate import names


@dataclass(frozen=True, slots=True)
class Held:
    """What the current instance of a buffer holds."""

    buffer: Buffer
    array: Array
    bases: Mapping[str, int]
    """The first position along each axis."""

    @property
    def starts(self) -> list[int]:
        """The first positions, in the order of the axes."""
        return [self.bases[axis.name] for axis in self.buffer.axes]


def viewed(view: View, held: Held, ranges: Mapping[str, Range], dims: Mapping[str, int]) -> Array:
    """The part of what is held that the view means where its axes cover `ranges`."""
    axes = names(index_axes(view.index))
    runs = [_run(index, base, axes, ranges, dims) for index, base in zip(view.index, held.starts, strict=True)]
    shape = [stop - start for start, stop in (ranges[name] for name in axes)]
    try:
        return strided(held.array, runs, shape)
    except Outside as outside:
        raise EngineFault(f"a view of {held.buffer.name} reaches outside it: {outside}") from outside


def _run(index: Index, base: int, axes: list[str], ranges: Mapping[str, Range], dims: Mapping[str, int]) -> Run:
    """The positions along one axis of the buffer."""
    match index:
        case AxisIndex(axis):
            return Run(ranges[axis.name][0] - base, [(axes.index(axis.name), 1)])
        case AffineIndex(terms, offset):
            steps = [(axis.name, size_value(stride, dims)) for axis, stride in terms]
            start = size_value(offset, dims) - base + sum(ranges[name][0] * stride for name, stride in steps)
            return Run(start, [(axes.index(name), stride) for name, stride in steps])
        case _:
            raise AssertionError("an access pattern is known before the kernel runs")
