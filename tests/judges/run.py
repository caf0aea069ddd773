"""The statements of a program, in plain loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tilery.dsl import program
from tilery.dsl.program import Op, Statement, size_value

from .memory import Array, Memory, Stray
from .numbers import Number, rounded, wrapped
from .operations import Operations
from .sums import Ledger


class Run(Operations):
    """One execution."""

    def __init__(
        self, kernel: program.Program, dims: Mapping[str, int], arguments: Mapping[str, Any], tiles: Mapping[str, int]
    ) -> None:
        signature = kernel.signature

        def memory(tensor: program.Tensor, given: Array | None) -> Memory:
            return Memory([size_value(each, dims) for each in tensor.shape], tensor.element, given)

        tensors = {each.name: memory(each, np.asarray(arguments[each.name])) for each in signature.tensors}
        made = {each.name: memory(each, None) for each in (*signature.results, *signature.temps) if each.role != "inout"}
        # What a kernel updates in place is one memory, read and written.
        written = made | {each.name: tensors[each.name] for each in signature.results if each.role == "inout"}
        tensors |= {each.name: made[each.name] for each in signature.temps}
        super().__init__(dims, tensors, {each.name: arguments.get(each.name, each.default) for each in signature.scalars})
        self.tiles = tiles
        self.results = written
        self.added: dict[tuple[str, int], Ledger] = {}
        """What has been added to each element of a result."""

    def block(self, statements: Iterable[Statement]) -> None:
        """Executes statements in their order."""
        for each in statements:
            match each:
                case Op():
                    self.values[each.result] = self.op(each)
                case program.Store():
                    self.store(each)
                case program.TileLoop():
                    self.tile_loop(each.variables, each.body)
                case program.ForLoop():
                    self.for_loop(each)
                case program.Print():
                    pass
                case _:
                    raise AssertionError(f"a specialised kernel has no {type(each).__name__}")

    def tile_loop(self, variables: Sequence[program.LoopVariable], body: Sequence[Statement]) -> None:
        """Steps for every combination of the variables' tiles."""
        if not variables:
            self.block(body)
            return
        for span in self.steps(variables[0]):
            self.spans[variables[0].axis.name] = span
            self.tile_loop(variables[1:], body)

    def for_loop(self, loop: program.ForLoop) -> None:
        """Steps in order, each from what the last one left."""
        now = {each.argument: self.reordered(each.initial, each.argument) for each in loop.carried}
        for span in self.steps(loop.variable):
            self.spans[loop.variable.axis.name] = span
            if loop.guard:
                self.block(loop.guard.body)
                if not any(self.values[loop.guard.body[-1].result].values()):
                    continue
            self.values |= now
            self.block(loop.body)
            now = {each.argument: self.reordered(each.updated, each.argument) for each in loop.carried}
        self.values |= now
        self.values |= {each.result: self.reordered(each.argument, each.result) for each in loop.carried}

    def steps(self, variable: program.LoopVariable) -> Iterator[range]:
        """The positions of each step of a loop."""
        axis = variable.axis
        covered = self.spans[axis.parent] if axis.parent else range(size_value(axis.size, self.dims))
        fixed = variable.by.choices if variable.by.choices and len(variable.by.choices) == 1 else None
        size = fixed[0] if fixed else self.tiles[axis.name]
        for start in range(covered.start, covered.stop, size):
            yield range(start, min(start + size, covered.stop))

    def store(self, store: program.Store) -> None:
        """Writes the elements of a tile one after the other, or adds them to what is there."""
        memory = self.results[store.tensor.name]
        name = store.tensor.element.name
        for at, number in self.each(store.value):
            place = memory.place(self.positions(store.index, at))
            if place is None:
                raise Stray(f"{store.tensor.name} is written outside")
            if store.accumulate:
                before = memory.numbers[place]
                if store.fn == "add":
                    number = self.sum_with(before, number, name, (store.tensor.name, place))
                else:
                    number = self.extreme(store.fn, before, number)
            memory.numbers[place] = self.cast(number, name)

    def extreme(self, fn: str, before: Number, number: Number) -> Number:
        """The larger or smaller one; NaN where either is."""
        if before != before or number != number:
            return float("nan")
        return max(before, number) if fn == "max" else min(before, number)

    def sum_with(self, before: Number, number: Number, name: str, key: tuple[str, int]) -> Number:
        """One addition of a `+=`: in f32 as soon as either is a float, else in i32."""
        if not (isinstance(before, float) or isinstance(number, float)):
            return wrapped(int(before) + int(number))
        term = self.single(number)
        total = rounded(float(before) + term, "f32")
        ledger = self.added.setdefault(key, Ledger.onto(float(before)))
        ledger.add(term)
        # The language does not say in what order terms are added, and executions take different ones.
        self.exact &= ledger.exact and ledger.exact_as(name)
        return total
