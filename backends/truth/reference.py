"""Evaluates the `reference:` of a kernel in float64. Every run and every tuned winner is compared with it.

A sum over a product, `sum[K](a[M, K] * b[K, N])`, goes through BLAS and never builds the M x K x N array; what still would
be over `BLOCK_BYTES` is evaluated in slices along an axis over which nothing reduces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from tilery.dsl import program
from tilery.dsl.errors import UsageError
from tilery.dsl.types import ElementType

from ..numbers import indexing
from ..operations import numerics
from ..operations.numerics import Array

BLOCK_BYTES = 64 << 20
"""About the largest intermediate that is built at once."""

Slices = Mapping[str, slice]
"""The part of an axis that one block covers, by the axis' name; an axis that is not there is whole."""


def reference(kernel: program.Program, dims: Mapping[str, int], arguments: Mapping[str, Array | float]) -> dict[str, Array]:
    """Results by name: float64 for float types, int32 or bool otherwise.

    Arguments are as for the emulator: tensors in storage types, scalars as numbers. Casts to float types do nothing here:
    the reference knows no rounding. To an integer type, a cast and a store do what they do anywhere. UsageError if the
    kernel has no reference.
    """
    if not kernel.reference:
        raise UsageError(f"kernel {kernel.name} has no `reference:`, so there is nothing to compare its results with")
    results = {each.name: _started(each, dims, arguments) for each in kernel.signature.results}
    with np.errstate(all="ignore"):
        for slices in _blocks(kernel.reference, dims):
            _Block(kernel.reference, dims, arguments, slices).run(results)
    return results


def _started(tensor: program.Tensor, dims: Mapping[str, int], arguments: Mapping[str, Array | float]) -> Array:
    """A result before anything is written to it: zeros, or what is given where the kernel updates it in place."""
    wide = _wide(numerics.compute_dtype(tensor.element))
    if tensor.role != "inout":
        return np.zeros(_shape(tensor.shape, dims), wide)
    return numerics.to_compute(np.asarray(arguments[tensor.name]), tensor.element).astype(wide)


def _shape(sizes: Sequence[program.Size], dims: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(program.size_value(each, dims) for each in sizes)


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float64) if dtype.kind == "f" else dtype


# --- slicing ----------------------------------------------------------------------------------------------------------


def _blocks(statements: Sequence[program.Statement], dims: Mapping[str, int]) -> Iterator[Slices]:
    """Slices of the separable axes, outermost first, so fine that no intermediate is over `BLOCK_BYTES`."""
    extents, reduced, largest = _survey(statements, dims)
    extents |= dict.fromkeys(_stepped(statements), 1)
    excess = 8 * max((prod(extents[name] for name in each) for each in largest), default=0) / BLOCK_BYTES
    axes = [name for name in extents if name not in reduced | _stepped(statements)]
    steps: dict[str, int] = {}
    for name in axes:
        steps[name] = max(1, extents[name] // ceil(excess)) if excess > 1 else max(1, extents[name])
        excess *= steps[name] / max(1, extents[name])
    ranges = [[slice(at, at + steps[name]) for at in range(0, extents[name], steps[name])] for name in axes]
    return (dict(zip(axes, each, strict=True)) for each in product(*ranges))


def _stepped(statements: Sequence[program.Statement]) -> set[str]:
    """The axes that loops step through, one position at a time."""
    return {each.variable.axis.name for each in program.walk(tuple(statements)) if isinstance(each, program.ForLoop)}


def _survey(
    statements: Sequence[program.Statement], dims: Mapping[str, int]
) -> tuple[dict[str, int], set[str], list[tuple[str, ...]]]:
    """The extent of each axis; the axes not to be cut; the axes of each intermediate that is built."""
    extents: dict[str, int] = {}
    reduced: set[str] = set()
    intermediates: list[tuple[str, ...]] = []
    unbuilt = {each.operand for each in program.walk(tuple(statements)) if isinstance(each, program.Reduce) and each.fn == "sum"}
    for each in program.walk(tuple(statements)):
        if isinstance(each, program.Store):
            named = {axis.name for axis in program.index_axes(each.index)}
            reduced |= set(extents) - named if each.accumulate else set()
        if not isinstance(each, program.Op):
            continue
        extents |= {axis.name: program.size_value(axis.size, dims) for axis in each.result.axes}
        if not (each.result in unbuilt and isinstance(each, program.Elementwise) and each.fn == "mul"):
            intermediates.append(tuple(axis.name for axis in each.result.axes))
        if isinstance(each, program.Reduce | program.Dot):
            reduced |= {axis.name for axis in each.axes}
        elif isinstance(each, program.Scan):
            reduced.add(each.axis.name)
        elif isinstance(each, program.Cut | program.Insert):
            reduced |= _in_other_places(each)
    return extents, reduced, intermediates


def _in_other_places(op: program.Cut | program.Insert) -> set[str]:
    """The axes along which one slice of a tile is read or written at positions of another."""
    moved = [
        (own, each)
        for own, each in zip(op.tile.axes, op.index, strict=True)
        if not (isinstance(each, program.AxisIndex) and each.axis == own)
    ]
    written = program.index_axes([each for _, each in moved]) if isinstance(op, program.Insert) else ()
    return {axis.name for axis in (*(own for own, _ in moved), *written)}


# --- evaluation -------------------------------------------------------------------------------------------------------


class _Block:
    """One evaluation over `slices`, or one step of a loop in it. Values are computed when asked for, so a product that is only
    summed never is."""

    def __init__(
        self,
        statements: Sequence[program.Statement],
        dims: Mapping[str, int],
        arguments: Mapping[str, Array | float],
        slices: Slices,
        known: Mapping[program.Value, Array] | None = None,
        around: _Block | None = None,
    ) -> None:
        self.statements = statements
        self.dims = dims
        self.arguments = arguments
        self.slices = slices
        self.around = around
        self.ops = dict(_own(statements))
        self.known: dict[program.Value, Array] = dict(known or {})
        self.place = indexing.Place(self._span, dims, self.known)

    def run(self, results: Mapping[str, Array]) -> None:
        """Writes this block's part of every result."""
        for each in self.statements:
            if isinstance(each, program.Store):
                self._store(each, results[each.tensor.name])
            elif isinstance(each, program.ForLoop):
                self._loop(each, results)

    def _loop(self, loop: program.ForLoop, results: Mapping[str, Array]) -> None:
        """Takes the steps of a loop in order; every step hands on what the loop carries."""
        axis = loop.variable.axis
        carried = {each.argument: self._lined(self.value(each.initial), each.initial, each.argument) for each in loop.carried}
        for at in range(program.size_value(axis.size, self.dims)):
            here = {**self.slices, axis.name: slice(at, at + 1)}
            step = _Block(loop.body, self.dims, self.arguments, here, carried, self)
            step.run(results)
            carried = {each.argument: self._lined(step.value(each.updated), each.updated, each.argument) for each in loop.carried}
        self.known |= {each.result: self._lined(carried[each.argument], each.argument, each.result) for each in loop.carried}

    def _lined(self, array: Array, own: program.Value, other: program.Value) -> Array:
        """A value's array, its axes in the order of another value."""
        return numerics.aligned(array, _names(own), _names(other))

    def value(self, value: program.Value) -> Array:
        """The array of a value, axes in the value's order."""
        if value not in self.known:
            if value not in self.ops and self.around is not None:
                return self.around.value(value)
            self.known[value] = self._compute(self.ops[value])
        return self.known[value]

    def _store(self, store: program.Store, result: Array) -> None:
        for each in program.index_values(store.index):
            self.value(each)
        names = [axis.name for axis in program.index_axes(store.index)]
        value = numerics.aligned(self.value(store.value), _names(store.value), names)
        for each in program.index_values(store.index):
            self.value(each)  # the places are computed as well
        if store.accumulate:
            indexing.add(result, store, value, self.place, lambda x: x, lambda x: _stored(x, store.tensor.element))
        else:
            indexing.put(result, store, _stored(value, store.tensor.element), self.place)

    def _span(self, axis: program.Axis) -> slice:
        extent = program.size_value(axis.size, self.dims)
        part = self.slices.get(axis.name, slice(0, extent))
        return slice(part.start, min(part.stop, extent))

    def _compute(self, op: program.Op) -> Array:
        match op:
            case program.Constant():
                return _scalar(op.value)
            case program.ScalarArgument():
                return _scalar(self.arguments[op.parameter])
            case program.DimensionSize():
                return _scalar(program.size_value(op.size, self.dims))
            case program.Positions():
                whole = np.arange(program.size_value(op.axis.size, self.dims), dtype=np.int32)
                return whole[self.slices.get(op.axis.name, slice(None))]
            case program.Load():
                return self._load(op)
            case program.Unwritten():
                return indexing.nothing(self._extents(op.result), _wide(numerics.compute_dtype(op.result.element)))
            case program.Cut():
                return self._cut(op)
            case program.Insert():
                return self._insert(op)
            case program.Elementwise():
                return self._elementwise(op.fn, [(self.value(each), _names(each)) for each in op.operands], op.result)
            case program.Cast():
                return self._cast(op)
            case program.Fill():
                return np.broadcast_to(self.value(op.operand), self._extents(op.result))
            case program.Reduce():
                return self._reduce(op)
            case program.Scan():
                lined = [numerics.aligned(self.value(each), _names(each), _names(op.result)) for each in op.operands]
                return numerics.scan(op.fn, lined, _names(op.result).index(op.axis.name), op.exclusive, op.reverse)
            case program.Dot():
                return self._contract(op.result, (op.left, op.right), [axis.name for axis in op.axes])
            case program.Call():
                return self.value(op.body[-1].result)
        raise AssertionError(f"no meaning for {type(op).__name__} in a reference")

    def _extents(self, value: program.Value) -> tuple[int, ...]:
        whole = (range(program.size_value(axis.size, self.dims)) for axis in value.axes)
        return tuple(len(each[self.slices.get(axis.name, slice(None))]) for axis, each in zip(value.axes, whole, strict=True))

    def _load(self, op: program.Load) -> Array:
        for each in program.index_values(op.index):
            self.value(each)
        tensor, t = np.asarray(self.arguments[op.tensor.name]), op.tensor.element
        computing = indexing.read(tensor, op, self.place, lambda x: numerics.to_compute(x, t))
        return computing.astype(_wide(computing.dtype), copy=False)

    def _cut(self, op: program.Cut) -> Array:
        for each in program.index_values(op.index):
            self.value(each)
        return indexing.cut(self.value(op.tile), op, self.place)

    def _insert(self, op: program.Insert) -> Array:
        array = np.array(np.broadcast_to(self.value(op.tile), self._extents(op.result)))
        names = [axis.name for axis in program.index_axes(op.index)]
        indexing.part(array, op, self.place)[...] = numerics.aligned(self.value(op.value), _names(op.value), names)
        return array

    def _elementwise(self, fn: str, operands: Sequence[tuple[Array, list[str]]], result: program.Value) -> Array:
        return _apply(fn, [numerics.aligned(array, names, _names(result)) for array, names in operands])

    def _cast(self, op: program.Cast) -> Array:
        operand = self.value(op.operand)
        if op.result.element.kind == "float":
            return operand.astype(np.float64, copy=False)
        return numerics.cast(operand, op.result.element)

    def _reduce(self, op: program.Reduce) -> Array:
        factors = self._factors(op.operand) if op.fn == "sum" else []
        over = [axis.name for axis in op.axes]
        if len(factors) > 1:
            return self._contract(op.result, factors, over)
        operand = self.value(op.operand)
        wide = operand.astype(np.float64) if op.fn == "mean" else operand
        return numerics.reduce(op.fn, wide, tuple(_names(op.operand).index(name) for name in over))

    def _factors(self, value: program.Value) -> list[program.Value]:
        """The values whose product `value` is: `a * b * c` has three."""
        op = self.ops.get(value)
        if isinstance(op, program.Elementwise) and op.fn == "mul" and value not in self.known:
            return [factor for each in op.operands for factor in self._factors(each)]
        return [value]

    def _contract(self, result: program.Value, factors: Sequence[program.Value], over: list[str]) -> Array:
        """`sum[over]` of the product of `factors`: pair by pair, each axis summed as soon as only one factor has it."""
        terms = [(_number(self.value(each)), _names(each)) for each in factors]
        while len(terms) > 1:
            terms.sort(key=lambda each: each[0].ndim)
            (left, left_names), (right, right_names), *rest = terms
            elsewhere = {name for _, names in rest for name in names}
            summed = [name for name in over if name not in elsewhere]
            terms = [_pair(left, left_names, right, right_names, summed), *rest]
        array, names = terms[0]
        return numerics.aligned(array, names, _names(result))


def _own(statements: Sequence[program.Statement]) -> Iterator[tuple[program.Value, program.Op]]:
    """What the statements compute, calls opened up; the steps of loops are blocks of their own."""
    for each in statements:
        if isinstance(each, program.Call):
            yield from _own(each.body)
        if isinstance(each, program.Op):
            yield each.result, each


def _pair(left: Array, left_names: list[str], right: Array, right_names: list[str], over: list[str]) -> tuple[Array, list[str]]:
    """The product of two factors, summed over those of their axes that are in `over`."""
    left, left_names = _summed(left, left_names, [name for name in over if name not in right_names])
    right, right_names = _summed(right, right_names, [name for name in over if name not in left_names])
    both = [name for name in over if name in left_names and name in right_names]
    names = [*left_names, *(name for name in right_names if name not in left_names)]
    if both and set(left_names) - set(right_names) and set(right_names) - set(left_names):
        array, axes = numerics.contract(left, left_names, right, right_names, both)
        return array, list(axes)
    # One factor has all the axes, so the product is no larger than it.
    array = numerics.aligned(left, left_names, names) * numerics.aligned(right, right_names, names)
    return _summed(array, names, both)


def _summed(array: Array, names: list[str], over: list[str]) -> tuple[Array, list[str]]:
    over = [name for name in over if name in names]
    if not over:
        return array, names
    total = numerics.reduce("sum", array, tuple(names.index(name) for name in over))
    return total, [name for name in names if name not in over]


def _names(value: program.Value) -> list[str]:
    return [axis.name for axis in value.axes]


def _stored(array: Array, t: ElementType) -> Array:
    """A value as an element of a result."""
    return array if t.kind == "float" else numerics.cast(array, t)


def _number(array: Array) -> Array:
    return array.astype(np.int32) if array.dtype.kind == "b" else array


def _scalar(value: float | Array) -> Array:
    array = np.asarray(value)
    return array.astype({"f": np.float64, "i": np.int32, "u": np.int32}.get(array.dtype.kind, np.bool_))


def _apply(fn: str, arrays: Sequence[Array]) -> Array:
    """As `numerics.elementwise`, but a function of integers that gives a float gives a float64."""
    floats = fn in numerics.FLOAT_ONLY
    return numerics.elementwise(fn, [each.astype(np.float64, copy=False) if floats else each for each in arrays])
