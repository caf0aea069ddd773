"""Where an execution stands: what its axes cover, the elements of its values, and where in a tensor they lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

from tilery.dsl import program
from tilery.dsl.program import Axis, Value, size_value

from .numbers import Number

Elements = dict[tuple[int, ...], Number]
"""The elements of a value, by their positions along its axes. Reading one that a tile lacks is an error of the checker's."""
At = Mapping[str, int]
"""A position for the name of each axis."""


class Standing:
    """The sizes, the steps of the loops around, and the values as they are there."""

    def __init__(self, dims: Mapping[str, int]) -> None:
        self.dims = dims
        self.spans: dict[str, range] = {}
        """The positions that each tile variable covers at present."""
        self.values: dict[Value, Elements] = {}
        """Of each value, the elements of its present tile; positions are counted over the whole dimensions."""

    def reordered(self, source: Value, target: Value) -> Elements:
        """The elements of one value as those of another that has the same axes, perhaps in another order."""
        return {self.key(target, at): number for at, number in self.each(source)}

    def covered(self, axis: Axis) -> range:
        """The positions that an axis covers here."""
        return range(size_value(axis.size, self.dims)) if axis.whole else self.spans[axis.name]

    def ats(self, axes: Iterable[Axis]) -> Iterator[dict[str, int]]:
        """Every combination of positions of axes, the last one fastest."""
        axes = tuple(axes)
        names = [axis.name for axis in axes]
        return (dict(zip(names, each, strict=True)) for each in product(*(self.covered(axis) for axis in axes)))

    def each(self, value: Value) -> Iterator[tuple[dict[str, int], Number]]:
        """The elements of a value with where they are; of a tile that is written in parts, those that are written."""
        elements = self.values[value]
        return ((at, elements[key]) for at in self.ats(value.axes) if (key := self.key(value, at)) in elements)

    def key(self, value: Value, at: At) -> tuple[int, ...]:
        """Where an element is among those of a value."""
        return tuple(at[axis.name] for axis in value.axes)

    def element(self, value: Value, at: At) -> Number:
        """The element of a value at positions of its axes and perhaps of others, along which it is broadcast."""
        return self.values[value][self.key(value, at)]

    def positions(self, index: Sequence[program.Index], at: At) -> list[int]:
        """Where in a tensor an element of a tile lies."""
        return [self.position(each, at) for each in index]

    def position(self, index: program.Index, at: At) -> int:
        """The same along one dimension."""
        match index:
            case program.AxisIndex(axis):
                return at[axis.name]
            case program.AffineIndex(terms, offset):
                strides = sum(size_value(stride, self.dims) * at[axis.name] for axis, stride in terms)
                return size_value(offset, self.dims) + strides
            case program.GatherIndex(value):
                return int(self.element(value, at))
