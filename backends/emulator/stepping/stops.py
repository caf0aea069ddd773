"""Stopping at a line of the text while a kernel is executed step by step, with the tiles by the names that they have there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tilery.backends.operations.numerics import Array
from tilery.dsl import program
from tilery.dsl.errors import UsageError
from tilery.dsl.program import Op, Statement, Store, Value
from tilery.dsl.spans import Span

from .stepwise import Run

Names = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Stop:
    """A line to stop after, and what to call there."""

    line: int
    act: Callable[[Names], None]
    """Given what every name stands for after the line: tiles, the positions of tile variables, the sizes of dimensions."""


class StoppingRun(Run):
    """An execution that stops whenever it has come through a line."""

    def __init__(self, kernel: program.Program, stop: Stop, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.source = kernel.span.source
        self.stop = stop
        self.named: dict[str, Value] = {}
        lines = sorted({span.line for each in program.walk(kernel.body) if (span := self.place_of(each))})
        if stop.line not in lines:
            there = ", ".join(map(str, lines))
            raise UsageError(f"{kernel.name} computes nothing in line {stop.line} of {self.source.name}; it does in {there}")

    def place_of(self, statement: Statement) -> Span | None:
        """Where a statement stands in the kernel's file; None for loops, and for what stands in another file."""
        span = statement.result.span if isinstance(statement, Op) else statement.span if isinstance(statement, Store) else None
        return span if span and span.source is self.source else None

    def block(self, statements: Sequence[Statement]) -> None:
        """Executes statements, and stops after the last one of the line."""
        for number, each in enumerate(statements):
            super().block((each,))
            if self.here(each) and not (number + 1 < len(statements) and self.here(statements[number + 1])):
                self.stop.act(self.visible())

    def here(self, statement: Statement) -> bool:
        """Whether a statement belongs to the line."""
        span = self.place_of(statement)
        return span is not None and span.line == self.stop.line

    def define(self, value: Value, array: Array) -> None:
        """Gives a value its array, and its name to it."""
        super().define(value, array)
        self.named[value.name] = value

    def rebind(self, pairs: Sequence[tuple[Value, Value]]) -> None:
        """Makes the first value of each pair what the second one is."""
        super().rebind(pairs)
        self.named.update((value.name, value) for value, _ in pairs)

    def visible(self) -> Names:
        """What names stand for at present."""
        sizes = {name: np.asarray(size) for name, size in self.dims.items()}
        positions = {name: np.arange(span.start, span.stop) for name, span in self.spans.items()}
        tiles = {name: self.values[value] for name, value in self.named.items() if name.isidentifier()}
        return {**sizes, **positions, **tiles}
