"""Executes a tile program in the order of the text: tile by tile, step by step, operation by operation. Slow, and easy to check.

The fast emulation is tested against it. Probes, breakpoints and other arithmetic use it, as they need every value of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from tilery.backends.numbers import indexing
from tilery.backends.numbers.rounding_modes import Arithmetic
from tilery.backends.operations import numerics
from tilery.backends.operations.numerics import Array
from tilery.backends.showing import Show, shown
from tilery.dsl import program
from tilery.dsl.program import Op, Statement, Value

from ..given_tiles import tile_sizes
from .probes import Probes


def step_through(
    kernel: program.Program,
    dims: Mapping[str, int],
    tiles: Mapping[str, int],
    arguments: Mapping[str, Array | float],
    arithmetic: Arithmetic | None = None,
    probes: Probes | None = None,
    into: Mapping[str, Array] | None = None,
    show: Show | None = None,
    runner: Callable[..., Run] | None = None,
) -> dict[str, Array]:
    """The results by name, in `into` if given, which then holds zeros where something is added to it.

    `probes` collects the values it is asked for on the way. `show` is given what the text prints, tile by tile, in the order in
    which the text comes to it; without it nothing is printed. `runner` makes another kind of `Run`. `tiles` may leave out the
    sizes that the text fixes; raises `UsageError` where another one is missing.
    """
    arithmetic = arithmetic or Arithmetic()
    results = into or started(kernel, dims, arguments, arithmetic)
    order = [each.axis.name for each in kernel.loop_variables]
    with np.errstate(all="ignore"):
        memory = {**results, **temps(kernel, dims, arithmetic)}
        run = (runner or Run)(dims, tile_sizes(kernel, dims, tiles), arguments, memory, arithmetic, probes, show, order)
        run.block(kernel.printing if show and kernel.printing else kernel.body)
    return dict(results)


def started(
    kernel: program.Program, dims: Mapping[str, int], arguments: Mapping[str, Array | float], arithmetic: Arithmetic
) -> dict[str, Array]:
    """The results before the kernel runs: zeros, or what is given where it updates it in place."""
    results = {each.name: _zeros(each, dims, arithmetic) for each in kernel.signature.results}
    for each in kernel.signature.results:
        if each.role == "inout":
            given = np.asarray(arguments[each.name])
            wide = results[each.name].dtype != given.dtype
            results[each.name][...] = arithmetic.load(given, each.element) if wide else given
    return results


def temps(kernel: program.Program, dims: Mapping[str, int], arithmetic: Arithmetic) -> dict[str, Array]:
    """The memory of what the kernel keeps for itself."""
    return {each.name: _zeros(each, dims, arithmetic) for each in kernel.signature.temps}


def _zeros(tensor: program.Tensor, dims: Mapping[str, int], arithmetic: Arithmetic) -> Array:
    return np.zeros([program.size_value(size, dims) for size in tensor.shape], arithmetic.stored(tensor.element))


class Run:
    """One execution: the current positions, and the values there."""

    def __init__(
        self,
        dims: Mapping[str, int],
        tiles: Mapping[str, int],
        arguments: Mapping[str, Array | float],
        results: Mapping[str, Array],
        arithmetic: Arithmetic,
        probes: Probes | None,
        show: Show | None = None,
        order: Sequence[str] = (),
    ) -> None:
        self.dims = dims
        self.tiles = tiles
        self.arguments = arguments
        self.results = results
        self.arithmetic = arithmetic
        self.probes = probes
        self.show = show
        self.order = order
        self.spans: dict[str, slice] = {}
        self.values: dict[Value, Array] = {}
        self.place = indexing.Place(self.span, dims, self.values)

    def block(self, statements: tuple[Statement, ...]) -> None:
        """Executes statements in their order."""
        for each in statements:
            match each:
                case Op():
                    self.define(each.result, self.op(each))
                case program.Store():
                    self.store(each)
                case program.TileLoop():
                    names = [variable.axis.name for variable in each.variables]
                    for spans in product(*(self.steps(variable) for variable in each.variables)):
                        self.spans.update(zip(names, spans, strict=True))
                        self.block(each.body)
                    for name in names:
                        self.spans.pop(name, None)
                case program.ForLoop():
                    self.for_loop(each)
                case program.Print() if self.show:
                    self.show(shown(each, self.values[each.value], self.spans, self.order))

    def define(self, value: Value, array: Array) -> None:
        """Gives a value its array."""
        self.values[value] = np.broadcast_to(array, self.shape(value))
        if self.probes:
            self.probes.see(value, self.values[value], self.spans)

    def for_loop(self, loop: program.ForLoop) -> None:
        """Steps in order, each from what the last one left."""
        self.rebind([(each.argument, each.initial) for each in loop.carried])
        for span in self.steps(loop.variable):
            self.spans[loop.variable.axis.name] = span
            if loop.guard:
                self.block(loop.guard.body)
                if not self.values[loop.guard.body[-1].result].any():
                    continue
            self.block(loop.body)
            self.rebind([(each.argument, each.updated) for each in loop.carried])
        self.spans.pop(loop.variable.axis.name, None)
        self.rebind([(each.result, each.argument) for each in loop.carried])
        for each in loop.carried:
            self.define(each.result, self.values[each.argument])

    def rebind(self, pairs: Sequence[tuple[Value, Value]]) -> None:
        """Makes the first value of each pair what the second one is, all at once; their axes may stand in another order."""
        arrays = [reordered(self.values[source], source, value) for value, source in pairs]
        self.values.update(zip((value for value, _ in pairs), arrays, strict=True))

    def steps(self, variable: program.LoopVariable) -> Iterator[slice]:
        """The positions of each step of a loop."""
        parent = variable.axis.parent
        first, last = (self.spans[parent].start, self.spans[parent].stop) if parent else (0, self.extent(variable.axis))
        size = self.tiles[variable.axis.name]
        return (slice(start, min(start + size, last)) for start in range(first, last, size))

    def extent(self, axis: program.Axis) -> int:
        """Positions of an axis' dimension."""
        return program.size_value(axis.size, self.dims)

    def span(self, axis: program.Axis) -> slice:
        """The positions that an axis covers here."""
        return slice(0, self.extent(axis)) if axis.whole else self.spans[axis.name]

    def shape(self, value: Value) -> tuple[int, ...]:
        """Of a value's array here."""
        spans = [self.span(axis) for axis in value.axes]
        return tuple(each.stop - each.start for each in spans)

    def store(self, store: program.Store) -> None:
        """Writes a tile."""
        t = store.tensor.element
        result = self.results[store.tensor.name]
        axes = [axis.name for axis in program.index_axes(store.index)]
        tile = numerics.aligned(self.values[store.value], _names(store.value), axes)
        if store.accumulate:
            load, back = (lambda x: self.arithmetic.load(x, t)), (lambda x: self.arithmetic.store(x, t))
            indexing.add(result, store, tile, self.place, load, back)
        else:
            indexing.put(result, store, self.arithmetic.store(tile, t), self.place)

    def load(self, load: program.Load) -> Array:
        """A tile of a tensor; of one that the kernel writes to, as it is now."""
        t, written = load.tensor.element, load.tensor.role != "argument"
        tensor = self.results[load.tensor.name] if written else np.asarray(self.arguments[load.tensor.name])
        tile = indexing.read(tensor, load, self.place, lambda x: self.arithmetic.load(x, t))
        return np.array(tile) if written else tile

    def insert(self, op: program.Insert) -> Array:
        """The tile with part of it replaced."""
        array = np.array(self.values[op.tile])
        axes = [axis.name for axis in program.index_axes(op.index)]
        indexing.part(array, op, self.place)[...] = numerics.aligned(self.values[op.value], _names(op.value), axes)
        return array

    def op(self, op: Op) -> Array:
        """What an operation gives."""
        computing = self.arithmetic.computing(op.result.element)
        match op:
            case program.Constant():
                return np.asarray(op.value).astype(computing)
            case program.ScalarArgument():
                return np.asarray(self.arguments[op.parameter]).astype(computing)
            case program.DimensionSize():
                return np.asarray(program.size_value(op.size, self.dims), np.int32)
            case program.Positions():
                return np.arange(self.span(op.axis).start, self.span(op.axis).stop, dtype=np.int32)
            case program.Load():
                return self.load(op)
            case program.Unwritten():
                return indexing.nothing(self.shape(op.result), computing)
            case program.Cut():
                return indexing.cut(self.values[op.tile], op, self.place)
            case program.Insert():
                return self.insert(op)
            case program.Elementwise():
                lined_up = [numerics.aligned(self.values[each], _names(each), _names(op.result)) for each in op.operands]
                return self.arithmetic.elementwise(op.fn, lined_up)
            case program.Cast():
                return self.arithmetic.cast(self.values[op.operand], op.result.element)
            case program.Fill():
                return self.values[op.operand]
            case program.Reduce():
                numbers = tuple(_names(op.operand).index(axis.name) for axis in op.axes)
                reduced = self.arithmetic.reduce(op.fn, self.values[op.operand], numbers)
                return reduced + self.span(op.axes[0]).start if op.fn.startswith("arg") else reduced
            case program.Scan():
                return self.scan(op)
            case program.Dot():
                left, right = (self.values[each] for each in (op.left, op.right))
                over = [axis.name for axis in op.axes]
                array, axes = numerics.contract(left, _names(op.left), right, _names(op.right), over)
                return numerics.aligned(array, axes, _names(op.result))
            case program.Call():
                self.block(op.body)
                return self.values[op.body[-1].result]
        raise AssertionError(f"no meaning for {type(op).__name__}")

    def scan(self, op: program.Scan) -> Array:
        """What a scan gives."""
        lined_up = [numerics.aligned(self.values[each], _names(each), _names(op.result)) for each in op.operands]
        along = _names(op.result).index(op.axis.name)
        return numerics.scan(op.fn, lined_up, along, op.exclusive, op.reverse)


def reordered(array: Array, source: Value, value: Value) -> Array:
    """The array of one value with its axes in the order of another value of the same axes."""
    return array if source.axes == value.axes else numerics.aligned(array, _names(source), _names(value))


def _names(value: Value) -> list[str]:
    return [axis.name for axis in value.axes]
