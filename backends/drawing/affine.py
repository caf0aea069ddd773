"""Integers that are linear in the arguments: `2 * used[b] + j - 1` is 2 used + (-1 .. J - 2).

Every value is traced back to the integer arguments that it is computed from. Choices (`min`, `max`, `where`, `clamp`) give
several such lines; a value that is not linear gives none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import inf

from tilery.dsl import program
from tilery.dsl.program import Op, Statement, Value

MOST_LINES = 8
"""Lines that are kept of one value."""

_CHOICES = ("min", "max", "clamp", "where")
_STEADY = ("floor", "ceil", "round", "abs")
"""Functions that leave a whole number of a sensible argument as it is."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sum of `factor * argument`, plus a number in low..high that depends on positions and sizes."""

    factors: Mapping[str, float] = field(default_factory=dict)
    low: float = 0.0
    high: float = 0.0
    placed: bool = False
    """Whether it depends on positions or sizes."""

    def plus(self, other: Line) -> Line:
        """The sum of two lines."""
        names = dict.fromkeys((*self.factors, *other.factors))
        factors = {name: self.factors.get(name, 0.0) + other.factors.get(name, 0.0) for name in names}
        kept = {name: factor for name, factor in factors.items() if factor}
        return Line(kept, self.low + other.low, self.high + other.high, self.placed or other.placed)

    def times(self, number: float) -> Line:
        """The line scaled."""
        low, high = sorted((self.low * number, self.high * number))
        return Line({name: factor * number for name, factor in self.factors.items() if number}, low, high, self.placed)

    def minus(self, other: Line) -> Line:
        """The difference of two lines."""
        return self.plus(other.times(-1))

    @property
    def number(self) -> float | None:
        """What it is if nothing but sizes decides it."""
        return self.low if self.low == self.high and not self.factors else None


Lines = Mapping[Value, tuple[Line, ...]]


def lines_of(kernel: program.Program, dims: Mapping[str, int]) -> Lines:
    """The lines of every value of a specialised kernel, its reference included."""
    lines = _Lines(dims, {each.name: each for each in kernel.signature.scalars}, {each.name for each in kernel.signature.tensors})
    lines.block(kernel.reference)
    lines.block(kernel.body)
    return lines.known


@dataclass(slots=True)
class _Lines:
    dims: Mapping[str, int]
    scalars: Mapping[str, program.ScalarParameter]
    tensors: set[str]
    known: dict[Value, tuple[Line, ...]] = field(default_factory=dict)
    stored: dict[str, list[Value]] = field(default_factory=dict)
    """What is written to each `temp`, by its name."""

    def block(self, statements: Iterable[Statement]) -> None:
        """Follows statements in order; what a loop carries is what it starts from, or what a step leaves."""
        for each in statements:
            match each:
                case program.TileLoop():
                    self.block(each.body)
                case program.ForLoop():
                    self.block(each.guard.body if each.guard else ())
                    for one in each.carried:
                        self.known[one.argument] = self.known.get(one.initial, ())
                    self.block(each.body)
                    for one in each.carried:
                        self.known[one.result] = self.one_of((one.initial, one.updated))
                case program.Store(tensor=tensor) if tensor.role == "temp":
                    self.stored.setdefault(tensor.name, []).append(each.value)
                case Op():
                    self.known[each.result] = tuple(each for each in self.lines(each) if -inf < each.low and each.high < inf)

    def one_of(self, values: Iterable[Value]) -> tuple[Line, ...]:
        """The lines of several values, of which one is taken."""
        found = [line for value in values for line in self.known.get(value, ())]
        return tuple(found[:MOST_LINES])

    def lines(self, op: Op) -> tuple[Line, ...]:
        """The lines of what an operation gives."""
        match op:
            case program.Constant(value=value):
                return (Line({}, float(value), float(value)),)
            case program.DimensionSize(size=size):
                extent = program.size_value(size, self.dims)
                return (Line({}, extent, extent, placed=True),)
            case program.Positions(axis=axis):
                return (Line({}, 0, program.size_value(axis.size, self.dims) - 1, placed=True),)
            case program.ScalarArgument(parameter=name) if name in self.scalars and op.result.element.kind == "int":
                default = self.scalars[name].default
                return (Line({name: 1.0}) if default is None else Line({}, default, default),)
            case program.Load(tensor=tensor) if tensor.element.kind == "int" and tensor.name in self.tensors:
                return (Line({tensor.name: 1.0}),)
            case program.Load(tensor=tensor) if tensor.role == "temp":
                return self.one_of(self.stored.get(tensor.name, ()))
            case program.Cast(operand=operand) | program.Fill(operand=operand) | program.Cut(tile=operand):
                return self.known.get(operand, ())
            case program.Insert(tile=tile, value=value):
                return self.one_of((tile, value))
            case program.Reduce(fn="min" | "max" | "first" | "last", operand=operand):
                return self.known.get(operand, ())
            case program.Call(body=body):
                self.block(body)
                return self.known.get(body[-1].result, ())
            case program.Elementwise():
                return self.computed(op)
            case _:
                return ()

    def computed(self, op: program.Elementwise) -> tuple[Line, ...]:
        """The lines of arithmetic and choices."""
        if op.fn in _CHOICES:
            return self.one_of(op.operands[op.fn == "where" :])
        operands = [self.known.get(each, ()) for each in op.operands]
        if op.fn in _STEADY:
            return operands[0]
        if op.fn == "neg":
            return tuple(each.times(-1) for each in operands[0])
        if len(operands) != 2:
            return ()
        pairs = list(product(*operands))[:MOST_LINES]
        return tuple(found for left, right in pairs if (found := _binary(op.fn, left, right)) is not None)


def _binary(fn: str, left: Line, right: Line) -> Line | None:
    match fn:
        case "add":
            return left.plus(right)
        case "sub":
            return left.minus(right)
        case "mul" if right.number is not None:
            return left.times(right.number)
        case "mul" if left.number is not None:
            return right.times(left.number)
        case "div" if right.number:
            return left.times(1 / right.number)
        case "floordiv" if right.number is not None and right.number > 0:
            # Rounding down takes off less than one.
            return left.times(1 / right.number).plus(Line({}, 1 / right.number - 1, 0))
        case "mod" if right.number is not None and right.number > 0:
            return Line({}, 0, right.number - 1, left.placed)
        case _:
            return None
