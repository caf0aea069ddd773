"""Evaluates the program's operations on arrays with named axes. `numerics` computes; both executions call this."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence

import numpy as np

from tilery.backends.operations import numerics
from tilery.backends.operations.numerics import Array
from tilery.dsl.program import (
    Axis,
    Call,
    Cast,
    Constant,
    DimensionSize,
    Elementwise,
    Fill,
    Op,
    Positions,
    Reduce,
    ScalarArgument,
    Scan,
    Value,
    size_value,
)

Ranges = Mapping[str, tuple[int, int]]
"""Axis name -> the global positions, start and stop, that it covers here."""


def names(axes: Sequence[Axis]) -> list[str]:
    """The names of axes."""
    return [axis.name for axis in axes]


def evaluate(
    op: Op,
    values: MutableMapping[Value, Array],
    ranges: Ranges,
    dims: Mapping[str, int],
    scalars: Mapping[str, Array],
) -> Array:
    """The result of one operation, in computing form, its array's axes in the order of `op.result.axes`.

    `values` holds the operands so; ops inside a call are added to it.
    """
    match op:
        case Constant(_, value):
            return np.asarray(value, _scalar_type(op.result))
        case ScalarArgument(_, parameter):
            return scalars[parameter]
        case DimensionSize(_, size):
            return np.asarray(size_value(size, dims), np.int32)
        case Positions(_, axis):
            return np.arange(*ranges[axis.name], dtype=np.int32)
        case Elementwise(result, fn, operands):
            lined = [numerics.aligned(values[each], names(each.axes), names(result.axes)) for each in operands]
            return numerics.elementwise(fn, lined)
        case Cast(result, operand):
            return numerics.cast(numerics.aligned(values[operand], names(operand.axes), names(result.axes)), result.element)
        case Fill(result, operand):
            shape = [ranges[axis.name][1] - ranges[axis.name][0] for axis in result.axes]
            return np.broadcast_to(values[operand].astype(numerics.compute_dtype(result.element)), shape)
        case Reduce(result, fn, operand, axes):
            over = [place for place, axis in enumerate(operand.axes) if axis in axes]
            kept = [axis for axis in operand.axes if axis not in axes]
            reduced = numerics.reduce(fn, values[operand], tuple(over))
            return numerics.aligned(reduced, names(kept), names(result.axes))
        case Scan(result, fn, operands, axis, exclusive, reverse):
            lined = [numerics.aligned(values[each], names(each.axes), names(result.axes)) for each in operands]
            return numerics.scan(fn, lined, result.axes.index(axis), exclusive, reverse)
        case Call(_, _, _, body):
            for inner in body:
                values[inner.result] = evaluate(inner, values, ranges, dims, scalars)
            last = body[-1].result
            return numerics.aligned(values[last], names(last.axes), names(op.result.axes))
        case _:
            raise AssertionError(f"{type(op).__name__} is not evaluated here")


def _scalar_type(value: Value) -> np.dtype[np.generic]:
    return numerics.compute_dtype(value.element)
