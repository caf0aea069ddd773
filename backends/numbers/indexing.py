"""Reading and writing tensors, and tiles on the chip, at tiles of positions: whole, shifted, strided, or gathered.

Shifted and strided positions are a view: along each axis of the tile the address goes up by the sum of what the axis adds to
each dimension's position. `x[n, 2 * p + r - 1]` of rows of W numbers steps by W along n, by 2 along p and by 1 along r, and
starts one number early. Where such a window reaches over an end of the tensor, it is a view of a copy with the fill around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tilery.dsl.errors import UsageError
from tilery.dsl.program import (
    AffineIndex,
    Axis,
    AxisIndex,
    Cut,
    GatherIndex,
    Index,
    Insert,
    Load,
    Store,
    Value,
    index_axes,
    size_value,
)
from tilery.dsl.types import ElementType

from ..operations.numerics import elementwise
from .axes import aligned
from .rounding import Array, cast, compute_dtype
from .strided import Outside, Run, add_at, add_to_view, strided

SpanOf = Callable[[Axis], slice]
"""The positions that an axis covers: in this step, or all of its dimension."""
Convert = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a program stands: what its axes cover, the sizes, and the values that gather."""

    span: SpanOf
    dims: Mapping[str, int]
    values: Mapping[Value, Array]
    lows: Sequence[int] = ()
    """The positions at which an array begins that is part of something; 0 along each dimension where nothing is said."""

    def extent(self, axis: Axis) -> int:
        """How many positions an axis covers."""
        span = self.span(axis)
        return int(span.stop - span.start)

    def low(self, dimension: int) -> int:
        """Where the array begins along a dimension."""
        return self.lows[dimension] if self.lows else 0

    def inside(self, tile: Value) -> Place:
        """The same place as the array of a tile knows it, which begins where the axes of the tile do."""
        return replace(self, lows=[self.span(axis).start for axis in tile.axes])


def cut(array: Array, op: Cut, place: Place) -> Array:
    """Part of the array of `op.tile` over `index_axes(op.index)`: a view of it where it can be one.

    Raises UsageError where a gathered position lies outside and the cut has no fill.
    """
    return read(array, op, place.inside(op.tile), lambda x: x)


def part(array: Array, op: Insert, place: Place) -> Array:
    """A view of the array of `op.tile` over `index_axes(op.index)`, to be written to."""
    return window(array, op.index, place.inside(op.tile))


def nothing(shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
    """A tile that nothing is written to, in numbers that would be noticed if they were read."""
    return np.full(shape, np.nan if dtype.kind == "f" else -86 if dtype.kind == "i" else True, dtype)


Reading = Load | Cut
"""What reads at an index."""


def _element(load: Reading) -> ElementType:
    return load.tensor.element if isinstance(load, Load) else load.tile.element


def read(array: Array, load: Reading, place: Place, convert: Convert) -> Array:
    """The tile of a load over `index_axes(load.index)`, `convert` bringing stored numbers to computing form.

    Raises UsageError where a gathered position lies outside and the load has no fill.
    """
    if any(isinstance(each, GatherIndex) for each in load.index):
        return _gathered(array, load, place, convert)
    if load.fill is None or _covers(array, load.index, place):
        return convert(window(array, load.index, place))
    return _filled(array, load, place, convert)


def window(array: Array, index: Sequence[Index], place: Place) -> Array:
    """A view of `array` over `index_axes(index)`; every position must lie inside, or it raises UsageError."""
    if all(isinstance(each, AxisIndex) for each in index) and len(set(index)) == len(index):
        spans = [place.span(each.axis) for each in index if isinstance(each, AxisIndex)]
        if place.lows:
            spans = [slice(each.start - low, each.stop - low) for each, low in zip(spans, place.lows, strict=True)]
        parts: tuple[Any, ...] = tuple(spans)
        return array[(*parts, ...)]
    return _window(array, index, place, [0] * array.ndim)


def _window(array: Array, index: Sequence[Index], place: Place, lows: Sequence[int]) -> Array:
    """The same of an array that begins at the positions `lows` of its tensor."""
    axes = index_axes(index)
    runs: list[Run] = []
    for dimension, (each, low) in enumerate(zip(index, lows, strict=True)):
        terms, start = _terms(each, place, place.low(dimension))
        runs.append(Run(start - low, [(axes.index(axis), stride) for axis, stride in terms]))
    try:
        return strided(array, runs, [place.extent(axis) for axis in axes])
    except Outside as stray:
        extent = array.shape[stray.dimension]
        raise UsageError(
            f"dimension {stray.dimension + 1} of a tensor has the positions 0..{extent - 1}, and the kernel asks for "
            f"{stray.position}: `check_requirements` says what the sizes must satisfy"
        ) from None


def _terms(index: Index, place: Place, low: int) -> tuple[list[tuple[Axis, int]], int]:
    """What each axis adds to a dimension's position from one of its positions to the next, and the position at its first.

    Positions count from `low`.
    """
    if isinstance(index, AxisIndex):
        return [(index.axis, 1)], place.span(index.axis).start - low
    assert isinstance(index, AffineIndex)
    terms = [(axis, size_value(stride, place.dims)) for axis, stride in index.terms]
    offset = size_value(index.offset, place.dims) - low
    return terms, offset + sum(stride * place.span(axis).start for axis, stride in terms)


def _reaches(index: Sequence[Index], place: Place) -> list[tuple[int, int]]:
    """Along each dimension the least position, and one past the greatest."""
    found = []
    for dimension, each in enumerate(index):
        terms, start = _terms(each, place, place.low(dimension))
        run = Run(start, [(number, stride) for number, (_, stride) in enumerate(terms)])
        found.append(run.reach([place.extent(axis) for axis, _ in terms]))
    return found


def _covers(array: Array, index: Sequence[Index], place: Place) -> bool:
    reaches = _reaches(index, place)
    return all(low >= 0 and high <= extent for (low, high), extent in zip(reaches, array.shape, strict=True))


def _filled(array: Array, load: Reading, place: Place, convert: Convert) -> Array:
    reaches = _reaches(load.index, place)
    inside = [
        slice(max(0, low), max(0, low, min(high, extent))) for (low, high), extent in zip(reaches, array.shape, strict=True)
    ]
    found = convert(array[tuple(inside)])
    padded = np.full([high - low for low, high in reaches], _fill(load, found), found.dtype)
    padded[tuple(slice(each.start - low, each.stop - low) for each, (low, _) in zip(inside, reaches, strict=True))] = found
    return _window(padded, load.index, place, [low for low, _ in reaches])


def _fill(load: Reading, found: Array) -> Array:
    """What positions outside read as, a number of the tensor's type."""
    assert load.fill is not None, "the checker lets no read outside pass without a fill"
    t = _element(load)
    return cast(np.asarray(load.fill).astype(compute_dtype(t)), t).astype(found.dtype)


def _gathered(array: Array, load: Reading, place: Place, convert: Convert) -> Array:
    axes = index_axes(load.index)
    positions = [_positions(each, axes, place, place.low(dimension)) for dimension, each in enumerate(load.index)]
    outside = np.zeros((), np.bool_)
    for each, extent in zip(positions, array.shape, strict=True):
        outside = outside | (each < 0) | (each >= extent)
    if outside.any() and load.fill is None:
        raise _stray(load.tensor.name if isinstance(load, Load) else load.tile.name, positions, array.shape)
    clipped = [np.clip(each, 0, extent - 1) for each, extent in zip(positions, array.shape, strict=True)]
    found = convert(_taken(array, load.index, clipped, place))
    return np.where(outside, _fill(load, found), found) if outside.any() else found


def _taken(array: Array, index: Sequence[Index], positions: Sequence[Array], place: Place) -> Array:
    """Elements at broadcast positions; whole rows at once where only one dimension is gathered."""
    gathered = [number for number, each in enumerate(index) if isinstance(each, GatherIndex)]
    others = [each.axis for each in index if isinstance(each, AxisIndex)]
    gather = index[gathered[0]]
    assert isinstance(gather, GatherIndex)
    if (
        len(gathered) == 1
        and len(others) == len(index) - 1
        and not {*others} & {*gather.value.axes}
        and len({*others}) == len(others)
    ):
        parts = tuple(_span(each.axis, place, d) if isinstance(each, AxisIndex) else slice(None) for d, each in enumerate(index))
        rows = positions[gathered[0]].reshape([place.extent(axis) for axis in gather.value.axes])
        return np.take(array[parts], rows, axis=gathered[0])
    return np.asarray(array[tuple(positions)])


def _span(axis: Axis, place: Place, dimension: int) -> slice:
    """What an axis covers of an array's dimension."""
    span, low = place.span(axis), place.low(dimension)
    return slice(span.start - low, span.stop - low)


def _positions(index: Index, axes: Sequence[Axis], place: Place, low: int = 0) -> Array:
    """The positions along one dimension for every element of the tile, of extent one along axes that they do not depend on."""
    if isinstance(index, GatherIndex):
        return aligned(place.values[index.value], _names(index.value.axes), _names(axes)).astype(np.int64) - low
    terms, start = _terms(index, place, low)
    total = np.full([1] * len(axes), start, np.int64)
    for axis, stride in terms:
        total = total + aligned(stride * np.arange(place.extent(axis)), [axis.name], _names(axes))
    return total


def _names(axes: Sequence[Axis]) -> list[str]:
    return [axis.name for axis in axes]


def _stray(tensor: str, positions: Sequence[Array], shape: Sequence[int]) -> UsageError:
    for number, (each, extent) in enumerate(zip(positions, shape, strict=True)):
        strays = each[(each < 0) | (each >= extent)]
        if strays.size:
            dimension = f"dimension {number + 1} of `{tensor}`"
            return UsageError(f"{dimension} has the positions 0..{extent - 1}, and the data ask for {int(strays.flat[0])}")
    raise AssertionError("nothing strays")


# --- adding to a tensor -----------------------------------------------------------------------------------------------


def add(array: Array, store: Store, tile: Array, place: Place, convert: Convert, store_back: Convert) -> None:
    """`array[index] += tile`, tile over `index_axes(store.index)`; positions may repeat, and each addition is made.

    Each is made in computing form, and brought back by `store_back`.
    """

    def total(there: Array, terms: Array) -> Array:
        return store_back(elementwise(store.fn, [convert(there), terms]))

    if not any(isinstance(each, GatherIndex) for each in store.index):
        add_to_view(window(array, store.index, place), tile, total)
    else:
        add_at(array, _stored_at(array, store, place), tile, total, store.fn)


def put(array: Array, store: Store, tile: Array, place: Place) -> None:
    """`array[index] = tile`, the tile in storage form; positions that data decide do not repeat."""
    if any(isinstance(each, GatherIndex) for each in store.index):
        array[tuple(_stored_at(array, store, place))] = tile
    else:
        window(array, store.index, place)[...] = tile


def _stored_at(array: Array, store: Store, place: Place) -> list[Array]:
    """The positions of a store along every dimension. Raises UsageError where one lies outside."""
    axes = index_axes(store.index)
    positions = [_positions(each, axes, place) for each in store.index]
    if any(bool(((each < 0) | (each >= extent)).any()) for each, extent in zip(positions, array.shape, strict=True)):
        raise _stray(store.tensor.name, positions, array.shape)
    return positions
