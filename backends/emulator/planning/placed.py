"""Loads and stores at shifted, strided or gathered positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tilery.backends.numbers import indexing
from tilery.backends.numbers.indexing import Place
from tilery.backends.operations import numerics
from tilery.dsl import program
from tilery.dsl.program import Axis, Value

from ..frame import Frame
from .allocation import Scope, Tile


def is_plain(index: Sequence[program.Index]) -> bool:
    """Whether every dimension is indexed with the positions of an axis of its own, so that slices do."""
    return all(isinstance(each, program.AxisIndex) for each in index) and len(set(index)) == len(index)


def load(op: program.Load, scope: Scope) -> None:
    """A tile whose array is made anew in every step: a view where it can be."""
    every = program.index_axes(op.index)
    # What else tiles never have: axes of one position.
    drop = tuple(0 if scope.extents[axis.name] == 1 else slice(None) for axis in every)
    slot, values, dims = scope.shared.layout.slot(), positions_of(op.index, scope), scope.shared.dims

    def run(frame: Frame) -> None:
        place = place_of(frame, dims, values)
        array = indexing.read(frame.tensors[op.tensor.name], op, place, lambda x: numerics.to_compute(x, op.tensor.element))
        frame.values[slot] = array[(*drop, ...)]

    scope.steps.append(run)
    scope.tiles[op.result] = Tile(slot, scope.physical(every), numerics.compute_dtype(op.tensor.element), False)


def store(op: program.Store, scope: Scope) -> None:
    """A tile written or added to a result."""
    axes = tuple(axis.name for axis in program.index_axes(op.index))
    slot, values, dims = scope.full_view(scope.tiles[op.value], axes), positions_of(op.index, scope), scope.shared.dims
    t = op.tensor.element

    def run(frame: Frame) -> None:
        place, result, tile = place_of(frame, dims, values), frame.results[op.tensor.name], frame.values[slot]
        if op.accumulate:
            indexing.add(result, op, tile, place, lambda x: numerics.to_compute(x, t), lambda x: numerics.to_storage(x, t))
        else:
            indexing.put(result, op, numerics.to_storage(tile, t), place)

    scope.steps.append(run)


def positions_of(index: Sequence[program.Index], scope: Scope) -> dict[Value, int]:
    """Slots with the values that gather, over all their axes."""
    return {
        value: scope.full_view(scope.tiles[value], tuple(axis.name for axis in value.axes))
        for value in program.index_values(index)
    }


def place_of(frame: Frame, dims: Mapping[str, int], values: Mapping[Value, int]) -> Place:
    """What the axes cover in the current step."""

    def span(axis: Axis) -> slice:
        return slice(0, program.size_value(axis.size, dims)) if axis.whole else frame.spans[axis.name]

    return Place(span, dims, {value: frame.values[slot] for value, slot in values.items()})
