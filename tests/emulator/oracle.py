"""Executes a tile program as it reads: tile by tile, step by step, op by op. Slow, and short enough to be believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from tilery.backends import numerics
from tilery.backends.numerics import Array
from tilery.dsl import program
from tilery.dsl.program import Op, Statement, Value


def execute(
    kernel: program.Kernel, dims: Mapping[str, int], tiles: Mapping[str, int], arguments: Mapping[str, Array | float]
) -> dict[str, Array]:
    results = {
        each.name: np.zeros([program.size_value(size, dims) for size in each.shape], numerics.numpy_dtype(each.element))
        for each in kernel.signature.results
    }
    with np.errstate(all="ignore"):
        _Run(dims, tiles, arguments, results).block(kernel.body)
    return results


@dataclass
class _Run:
    dims: Mapping[str, int]
    tiles: Mapping[str, int]
    arguments: Mapping[str, Array | float]
    results: dict[str, Array]
    spans: dict[str, slice] = field(default_factory=dict)
    values: dict[Value, Array] = field(default_factory=dict)

    def block(self, statements: tuple[Statement, ...]) -> None:
        for each in statements:
            match each:
                case Op():
                    self.values[each.result] = np.broadcast_to(self.op(each), self.shape(each.result))
                case program.Store():
                    self.store(each)
                case program.TileLoop():
                    names = [variable.axis.name for variable in each.variables]
                    for spans in product(*(self.steps(variable) for variable in each.variables)):
                        self.spans.update(zip(names, spans, strict=True))
                        self.block(each.body)
                case program.ForLoop():
                    self.for_loop(each)

    def for_loop(self, loop: program.ForLoop) -> None:
        for each in loop.carried:
            self.values[each.argument] = self.values[each.initial]
        for span in self.steps(loop.variable):
            self.spans[loop.variable.axis.name] = span
            if loop.guard:
                self.block(loop.guard.body)
                if not self.values[loop.guard.body[-1].result].any():
                    continue
            self.block(loop.body)
            updated = [self.values[each.updated] for each in loop.carried]
            self.values.update(zip((each.argument for each in loop.carried), updated, strict=True))
        for each in loop.carried:
            self.values[each.result] = self.values[each.argument]

    def steps(self, variable: program.LoopVariable) -> Iterator[slice]:
        extent = program.size_value(variable.axis.size, self.dims)
        size = self.tiles[variable.axis.name]
        return (slice(start, min(start + size, extent)) for start in range(0, extent, size))

    def span(self, axis: program.Axis) -> slice:
        return slice(0, program.size_value(axis.size, self.dims)) if axis.whole else self.spans[axis.name]

    def shape(self, value: Value) -> tuple[int, ...]:
        spans = [self.span(axis) for axis in value.axes]
        return tuple(each.stop - each.start for each in spans)

    def store(self, store: program.Store) -> None:
        t = store.tensor.element
        place = self.results[store.tensor.name][tuple(self.span(each.axis) for each in store.index)]
        tile = numerics.aligned(self.values[store.value], names(store.value), [each.axis.name for each in store.index])
        place[...] = numerics.to_storage(numerics.to_compute(place, t) + tile if store.accumulate else tile, t)

    def op(self, op: Op) -> Array:
        match op:
            case program.Constant():
                return np.asarray(op.value).astype(numerics.compute_dtype(op.result.element))
            case program.ScalarArgument():
                return np.asarray(self.arguments[op.parameter]).astype(numerics.compute_dtype(op.result.element))
            case program.DimensionSize():
                return np.asarray(program.size_value(op.size, self.dims), np.int32)
            case program.Positions():
                return np.arange(self.span(op.axis).start, self.span(op.axis).stop, dtype=np.int32)
            case program.Load():
                tensor = np.asarray(self.arguments[op.tensor.name])
                return numerics.to_compute(tensor[tuple(self.span(each.axis) for each in op.index)], op.tensor.element)
            case program.Elementwise():
                lined_up = [numerics.aligned(self.values[each], names(each), names(op.result)) for each in op.operands]
                return numerics.elementwise(op.fn, lined_up)
            case program.Cast():
                return numerics.cast(self.values[op.operand], op.result.element)
            case program.Fill():
                return self.values[op.operand]
            case program.Reduce():
                numbers = tuple(names(op.operand).index(axis.name) for axis in op.axes)
                return numerics.reduce(op.fn, self.values[op.operand], numbers)
            case program.Dot():
                left, right = (self.values[each] for each in (op.left, op.right))
                over = [axis.name for axis in op.axes]
                array, axes = numerics.contract(left, names(op.left), right, names(op.right), over)
                return numerics.aligned(array, axes, names(op.result))
            case program.Call():
                self.block(op.body)
                return self.values[op.body[-1].result]
        raise AssertionError(op)


def names(value: Value) -> list[str]:
    return [axis.name for axis in value.axes]
