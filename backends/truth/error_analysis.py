"""How large an error of each element the rounding of a kernel's own arithmetic explains: a running error analysis.

`accuracy` judges whole results by one number. An element can be far worse conditioned than its neighbours: where terms cancel
(`1 + erf(x)` in the tail of gelu), or where few terms stand beside many (the first rows of causal attention). For those the
program is executed tile by tile in float64, and every value carries the variance of its error, to first order in the rounding
units (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.8 and 3.3):

- an operation passes its operands' errors on by its derivatives and adds u(f32) of its value, a cast u of its type;
- an integer that f32 does not hold is rounded as soon as it becomes a float, which the reference never does;
- a sum or contraction of length K adds u(f32) sqrt(K) of the sum of the magnitudes;
- an error is kept with the axes along which it varies. Summed over such an axis variances add up, for the errors arose in
  different elements; over another, along which it is one and the same error, the errors themselves do.

- where a function jumps (a comparison, `round`, a cast to an integer) and the errors reach the jump, its size is the error, and
  one and the same along every axis (`error_jumps`).

An element may be off by u(result) and `SIGMAS` standard deviations. What the analysis leaves out: a guard of a loop that flips
because of an error, and an element that is read from another place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tilery.dsl import program
from tilery.dsl.program import Op, Value
from tilery.dsl.types import F32, ElementType

from ..emulator.stepping.stepwise import Run, reordered, started, temps
from ..numbers import indexing
from ..numbers.axes import aligned, contract
from ..numbers.rounding import largest_and_smallest
from ..numbers.rounding_modes import HighPrecision
from ..operations.numerics import Array
from ..operations.record import Absent
from ..operations.reductions import REDUCTIONS
from ..operations.scanning import SCANS
from ..operations.table import OPERATIONS, is_exact, rounding_scale, slopes
from .error_jumps import another_extreme, converted
from .error_scans import ScanErrors

SIGMAS = 4.0
"""Deviations taken as the largest are a rounding unit each, 1.7 standard deviations of a uniform error: seven of those in all."""
JUMP = 2.0 / SIGMAS
"""The deviation that stands for a jump of 1. With half of it one jump would be explained; with this, four that come together."""
TILE = 128
"""Positions of a parallel loop at once, where the text leaves them open."""

Axes = frozenset[str]
SHARED: Axes = frozenset()
"""Of errors that are one and the same along every axis."""
Errors = dict[Axes, Array]
"""Variances by the axes along which the errors vary; each array broadcasts against its value."""


def unit(t: ElementType) -> float:
    """The rounding unit of a float type."""
    return 2.0**-t.significand_bits


def explained_errors(
    kernel: program.Program, dims: Mapping[str, int], arguments: Mapping[str, Array | float], wanted: Mapping[str, Array]
) -> dict[str, Array]:
    """How far elements may be off by rounding, in absolute terms, by result: at the least where `wanted` is true.

    `wanted` holds an array of truth values for each result. Elsewhere the answer may be 0: tiles without any are left out.
    """
    with np.errstate(all="ignore"):
        run = _Analysis(kernel, dims, arguments, wanted)
        run.block(kernel.body)
    return {each.name: run.error_bounds[each.name] for each in kernel.signature.results}


class _Analysis(Run):
    """An execution in float64 whose values have errors beside them."""

    def __init__(
        self,
        kernel: program.Program,
        dims: Mapping[str, int],
        arguments: Mapping[str, Array | float],
        wanted: Mapping[str, Array],
    ) -> None:
        arithmetic = HighPrecision()
        memory = {**started(kernel, dims, arguments, arithmetic), **temps(kernel, dims, arithmetic)}
        super().__init__(dims, _tiles(kernel, dims), arguments, memory, arithmetic, None)
        self.error_bounds = {name: np.zeros(each.shape) for name, each in memory.items()}
        self._magnitudes = {name: np.abs(each).astype(np.float64) for name, each in memory.items()}
        self._errors: dict[Value, Errors] = {}
        self._needed = _needed_positions(kernel, wanted)

    def steps(self, variable: program.LoopVariable) -> Iterator[slice]:
        """Those that cover an element that is asked for."""
        needed = self._needed.get(variable.axis.name)
        for each in super().steps(variable):
            if needed is None or needed[each].any():
                yield each

    def define(self, value: Value, array: Array) -> None:
        super().define(value, array)
        self._errors.setdefault(value, {})

    def rebind(self, pairs: Sequence[tuple[Value, Value]]) -> None:
        """Errors go with their values."""
        super().rebind(pairs)
        errors = [
            {axes: reordered(each, source, value) for axes, each in self._errors[source].items()} for value, source in pairs
        ]
        self._errors.update(zip((value for value, _ in pairs), errors, strict=True))

    def op(self, op: Op) -> Array:
        array = super().op(op)
        self._errors[op.result] = self._passed_on(op, array)
        return array

    def store(self, store: program.Store) -> None:
        super().store(store)
        t, place = store.tensor.element, self.place
        axes = [axis.name for axis in program.index_axes(store.index)]
        tile = np.broadcast_to(self._spread(store.value, self._errors[store.value]), self.shape(store.value))
        if t.kind != "float" and store.value.element.kind == "float":
            tile = converted(self.values[store.value], tile, t)
        tile = aligned(tile, _names(store.value), axes)
        if not store.accumulate:
            indexing.put(self.error_bounds[store.tensor.name], store, tile, place)
            return
        # Each addition rounds what is there by then, which the magnitudes added so far are not below.
        value = np.abs(aligned(self.values[store.value], _names(store.value), axes))
        magnitudes, errors = self._magnitudes[store.tensor.name], self.error_bounds[store.tensor.name]
        indexing.add(magnitudes, store, value, place, _same, _same)
        there = indexing.read(magnitudes, program.Load(store.value, store.tensor, store.index), place, _same)
        rounding = unit(t) * there if t.kind == "float" else 0.0
        indexing.add(errors, store, tile + rounding, place, _same, _same)

    # --- how errors pass through an operation -------------------------------------------------------------------------

    def _passed_on(self, op: Op, value: Array) -> Errors:
        own = frozenset(_names(op.result))
        if op.result.element.kind != "float" and not any(self._errors[each] for each in program.operands(op)):
            return {}
        match op:
            case program.Elementwise():
                return self._elementwise(op, value, own)
            case program.Cast():
                return self._cast(op, value, own)
            case program.Cut():
                return self._cut(op)
            case program.Insert():
                return self._insert(op, value)
            case program.Fill():
                shape = [1] * len(op.result.axes)
                return {axes: np.broadcast_to(each, ()).reshape(shape) for axes, each in self._errors[op.operand].items()}
            case program.Reduce():
                return self._reduce(op, value, own)
            case program.Scan():
                return self._scan(op, value, own)
            case program.Dot():
                return self._dot(op, own)
            case program.Load() if op.tensor.role != "argument":
                return self._reload(op, value, own)
            case program.Call():
                return self._errors[op.body[-1].result]
            case _:
                return {}

    def _reload(self, op: program.Load, value: Array, own: Axes) -> Errors:
        """Errors of what the kernel has written itself: they come back as if they had arisen element by element."""
        bound = indexing.read(
            self.error_bounds[op.tensor.name], replace(op, fill=None if op.fill is None else 0.0), self.place, _same
        )
        errors = _added({}, own, np.square(bound / SIGMAS))
        return _added(errors, own, _cast_error(value, op.tensor.element) ** 2) if op.tensor.element.kind == "float" else errors

    def _spread(self, value: Value, errors: Errors) -> Array:
        """How far a value may be off, in absolute terms."""
        return np.asarray(SIGMAS * np.sqrt(sum(errors.values(), np.zeros([1] * len(value.axes)))))

    def _cast(self, op: program.Cast, value: Array, own: Axes) -> Errors:
        if op.result.element.kind == "float":
            return _added(dict(self._as_float(op.operand)), own, _cast_error(value, op.result.element) ** 2)
        jumps = converted(self.values[op.operand], self._spread(op.operand, self._errors[op.operand]), op.result.element)
        return _added({}, SHARED, (JUMP * jumps) ** 2)

    def _elementwise(self, op: program.Elementwise, value: Array, own: Axes) -> Errors:
        names = _names(op.result)
        floats = "float" in {each.element.kind for each in (op.result, *op.operands)}
        given = {each: self._as_float(each) if floats else self._errors[each] for each in op.operands}
        if op.result.element.kind != "float" and not any(given.values()):
            return {}
        arrays = [aligned(self.values[each], _names(each), names).astype(np.float64, copy=False) for each in op.operands]
        factors: dict[Value, Array | float] = {}
        # Of an operand that stands there twice, x * x, the error is one: its factors add up before they are squared.
        for operand, factor in zip(op.operands, slopes(op.fn, arrays, value), strict=True):
            factors[operand] = factors.get(operand, 0.0) + factor
        errors: Errors = {}
        for operand, factor in factors.items():
            for axes, variance in given[operand].items():
                _added(errors, axes, np.square(factor) * aligned(variance, _names(operand), names))
        jumps = OPERATIONS[op.fn].jumps
        if not isinstance(jumps, Absent):
            spreads = [aligned(self._spread(each, given[each]), _names(each), names) for each in op.operands]
            _added(errors, SHARED, (JUMP * jumps(arrays, spreads)) ** 2)
        if not is_exact(op.fn) and op.result.element.kind == "float":
            scale = rounding_scale(op.fn, arrays, value)
            _added(errors, own, np.where(np.isfinite(scale), (unit(F32) * scale) ** 2, 0.0))
        return errors

    def _cut(self, op: program.Cut) -> Errors:
        """What is read elsewhere brings its error along; one that stands in several places there is one and the same."""
        along = {own.name: _moved_along(each) for own, each in zip(op.tile.axes, op.index, strict=True)}
        errors: Errors = {}
        without_fill = op if op.fill is None else replace(op, fill=0.0)
        for axes, variance in self._errors[op.tile].items():
            whole = np.broadcast_to(variance, self.values[op.tile].shape)
            found = indexing.cut(whole, without_fill, self.place)
            _added(errors, SHARED.union(*(along[name] for name in axes)), found)
        return errors

    def _insert(self, op: program.Insert, value: Array) -> Errors:
        errors: Errors = {}
        for axes, variance in self._errors[op.tile].items():
            kept = np.array(np.broadcast_to(variance, value.shape))
            indexing.part(kept, op, self.place)[...] = 0.0
            _added(errors, axes, kept)
        names = [axis.name for axis in program.index_axes(op.index)]
        into = {name: own.name for own, each in zip(op.tile.axes, op.index, strict=True) for name in _moved_along(each)}
        for axes, variance in self._errors[op.value].items():
            written = np.zeros(value.shape)
            part = indexing.part(written, op, self.place)
            part[...] = aligned(np.broadcast_to(variance, self.shape(op.value)), _names(op.value), names)
            _added(errors, frozenset(into[name] for name in axes if name in into), written)
        return errors

    def _as_float(self, value: Value) -> Errors:
        """The errors of an operand that becomes a float if it is none."""
        errors = self._errors[value]
        if value.element.kind != "int":
            return errors
        return _added(dict(errors), frozenset(_names(value)), _conversion_error(self.values[value]) ** 2)

    def _reduce(self, op: program.Reduce, value: Array, own: Axes) -> Errors:
        names = _names(op.operand)
        over = {axis.name for axis in op.axes}
        numbers = tuple(names.index(name) for name in over)
        operand = self.values[op.operand]
        count = float(np.prod([operand.shape[each] for each in numbers]))
        errors: Errors = {}
        gathers = REDUCTIONS[op.fn].gathers
        if gathers == "place":
            spread = np.broadcast_to(self._spread(op.operand, self._errors[op.operand]), operand.shape)
            return _added(errors, SHARED, (JUMP * another_extreme(operand, spread, op.fn, numbers[0])) ** 2)
        for axes, narrow in self._errors[op.operand].items():
            variance = np.broadcast_to(narrow, operand.shape)
            match gathers:
                case "extreme":
                    _added(errors, axes - over, variance.max(axis=numbers, initial=0.0))
                case "one":
                    _added(errors, axes - over, REDUCTIONS[op.fn].meaning(variance, numbers))
                case "product":
                    relative = variance / np.square(operand)
                    _added(errors, axes - over, _summed(relative, names, over, axes) * np.square(value))
                case "sum" | "mean":
                    scale = count if gathers == "mean" else 1.0
                    _added(errors, axes - over, _summed(variance, names, over, axes) / scale**2)
        match gathers if op.result.element.kind == "float" else "":
            case "sum" | "mean":
                magnitude = np.abs(operand).sum(axis=numbers) / (count if gathers == "mean" else 1.0)
                _added(errors, own, count * (unit(F32) * magnitude) ** 2)
            case "product":
                _added(errors, own, count * (unit(F32) * value) ** 2)
        return errors

    def _scan(self, op: program.Scan, value: Array, own: Axes) -> Errors:
        """The errors of a scan. Its elements share those of the terms: from here on they count as one along the axis."""
        names, (along,) = _names(op.result), (place for place, axis in enumerate(op.result.axes) if axis == op.axis)
        turned = slice(None, None, -1 if op.reverse else 1)

        def lined(x: Array, of: Value) -> Array:
            """Spread over the scan, in the order in which it runs."""
            return np.moveaxis(np.broadcast_to(aligned(x, _names(of), names), value.shape), along, 0)[turned]

        terms = [lined(self.values[each].astype(np.float64, copy=False), each) for each in op.operands]
        run = ScanErrors(op.fn, terms, np.moveaxis(self._inclusive(op), along, 0)[turned])
        errors: Errors = {}
        for place, operand in enumerate(op.operands):
            for axes, variance in self._as_float(operand).items():
                found = run.passed_on(place, lined(variance, operand), independent=op.axis.name in axes)
                _added(errors, axes - {op.axis.name}, self._as_scanned(op, found, along))
        if SCANS[op.fn].rounds and op.result.element.kind == "float":
            _added(errors, own - {op.axis.name}, self._as_scanned(op, run.added(unit(F32)), along))
        return errors

    def _inclusive(self, op: program.Scan) -> Array:
        """The values of a scan with each element itself in it."""
        return self.scan(replace(op, exclusive=False))

    def _as_scanned(self, op: program.Scan, variance: Array, along: int) -> Array:
        """What was found in the order of the scan, as the result has it."""
        if op.exclusive:
            variance = np.concatenate([np.zeros_like(variance[:1]), variance[:-1]])
        return np.moveaxis(variance[:: -1 if op.reverse else 1], 0, along)

    def _dot(self, op: program.Dot, own: Axes) -> Errors:
        over = [axis.name for axis in op.axes]
        names = _names(op.result)
        left, right = self.values[op.left], self.values[op.right]

        def contracted(a: Array, b: Array) -> Array:
            array, axes = contract(a, _names(op.left), b, _names(op.right), over)
            return aligned(array, axes, names)

        magnitude = contracted(np.abs(left), np.abs(right))
        length = float(np.prod([self.span(axis).stop - self.span(axis).start for axis in op.axes]))
        errors: Errors = {own: length * (unit(F32) * magnitude) ** 2} if op.result.element.kind == "float" else {}
        for operand, is_left in ((op.left, True), (op.right, False)):
            whole = self.values[operand].shape
            for axes, narrow in self._errors[operand].items():
                variance = np.broadcast_to(narrow, whole)
                independent = axes.issuperset(over)
                one = variance if independent else np.sqrt(variance)
                other = (np.square if independent else np.abs)(right if is_left else left)
                found = contracted(one, other) if is_left else contracted(other, one)
                _added(errors, axes - set(over), found if independent else found**2)
        return errors


def _moved_along(index: program.Index) -> Axes:
    """The axes along which the elements of a dimension are different ones; none where one may come twice."""
    match index:
        case program.AxisIndex(axis) | program.AffineIndex(((axis, _),), _):
            return frozenset([axis.name])
        case _:
            return SHARED


def _summed(variance: Array, names: list[str], over: set[str], axes: Axes) -> Array:
    """The variance of a sum over `over` of errors that vary along `axes`."""
    alone = tuple(number for number, name in enumerate(names) if name in over and name in axes)
    shared = tuple(number for number, name in enumerate(names) if name in over and name not in axes)
    summed = variance.sum(axis=alone, keepdims=True)
    if shared:
        summed = np.sqrt(summed).sum(axis=shared, keepdims=True) ** 2
    return np.asarray(summed.squeeze(axis=(*alone, *shared)))


def _added(errors: Errors, axes: Axes, variance: Array) -> Errors:
    """`errors` with one more; where a factor of 0 meets one of infinity, as in exp(-inf - top), nothing comes of it."""
    known = np.where(np.isnan(variance), 0.0, variance)
    errors[axes] = errors[axes] + known if axes in errors else known
    return errors


def _same(x: Array) -> Array:
    return x


def _conversion_error(value: Array) -> Array:
    """The largest error of making an f32 of an integer: none of those that f32 holds."""
    size = np.abs(value.astype(np.float64))
    return np.where(size > 1 / unit(F32), unit(F32) * size, 0.0)


def _cast_error(value: Array, t: ElementType) -> Array:
    """The largest error of rounding to `t`; what overflows it has no bound."""
    if unit(t) <= unit(F32):
        return np.zeros_like(value)
    largest, smallest = largest_and_smallest(t)
    error = np.maximum(unit(t) * np.abs(value), smallest / 2)
    return np.where((np.abs(value) > largest) & np.isfinite(value), np.inf, np.where(np.isfinite(value), error, 0.0))


def _tiles(kernel: program.Program, dims: Mapping[str, int]) -> dict[str, int]:
    """Parallel loops by `TILE` where the text does not say; loops in order take their dimension whole where they may."""
    parallel = {one.axis for loop in program.walk(kernel.body) if isinstance(loop, program.TileLoop) for one in loop.variables}
    sizes = {}
    for each in kernel.loop_variables:
        whole = max(1, program.size_value(each.axis.size, dims))
        wish = min(whole, TILE) if each.axis in parallel else whole
        choices = each.by.choices or (min(max(wish, each.by.low or 1), each.by.high or wish),)
        sizes[each.axis.name] = min(whole, max((one for one in choices if one <= wish), default=min(choices)))
    return sizes


def _needed_positions(kernel: program.Program, wanted: Mapping[str, Array]) -> dict[str, Array]:
    """For parallel loops that choose a place in every result: at which positions there is something to be asked."""
    stores = [each for each in program.walk(kernel.body) if isinstance(each, program.Store)]
    found: dict[str, Array] = {}
    if any(each.tensor.role in ("temp", "inout") for each in stores):
        return found  # what is asked for may be read from anywhere in these
    for loop in program.walk(kernel.body):
        if not isinstance(loop, program.TileLoop):
            continue
        for name in (variable.axis.name for variable in loop.variables):
            places = [_place_of(each, name) for each in stores]
            if None in places:
                continue
            masks = [
                wanted[each.tensor.name].any(axis=tuple(other for other in range(len(each.index)) if other != place))
                for each, place in zip(stores, places, strict=True)
            ]
            if len({each.shape for each in masks}) == 1:
                found[name] = np.logical_or.reduce(masks)
    return found


def _place_of(store: program.Store, name: str) -> int | None:
    """The dimension of a result that a store indexes with nothing but one axis."""
    for place, each in enumerate(store.index):
        if isinstance(each, program.AxisIndex) and each.axis.name == name:
            return place
    return None


def _names(value: Value) -> list[str]:
    return [axis.name for axis in value.axes]
