"""What a kernel does with its arguments: of which it takes a root or logarithm, and which go into functions that grow fast."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tilery.dsl import program
from tilery.dsl.program import Op, Value

ROOTS = ("sqrt", "rsqrt", "log", "log2", "log1p")
STEEP = ("pow", "exp", "exp2", "expm1", "sinh", "cosh", "tanh", "sigmoid", "erf")
"""Functions that overflow or saturate for moderate whole numbers."""


def positive(kernel: program.Program) -> set[str]:
    """Float tensors whose root or logarithm is taken, as they are or in sums, products and quotients.

    Not those that are also compared with something: there the text itself says what becomes of a negative number.
    """
    uses = _Uses(kernel)
    under = [each.operands[0] for each in uses.elementwise if each.fn in ROOTS or uses.fractional_power(each)]
    compared = [value for each in uses.elementwise if each.fn in ("lt", "le", "gt", "ge") for value in each.operands]
    return uses.made_of(under) - uses.made_of(compared)


def steep(kernel: program.Program) -> set[str]:
    """Integer tensors that come into a power, an exponential or a product of many."""
    uses = _Uses(kernel)
    into = [value for each in uses.elementwise if each.fn in STEEP for value in each.operands]
    into += [each.operand for each in uses.statements if isinstance(each, program.Reduce) and each.fn == "prod"]
    into += [each.operands[0] for each in uses.statements if isinstance(each, program.Scan) and each.fn in ("cumprod", "scan")]
    return uses.behind(into)


@dataclass
class _Uses:
    kernel: program.Program

    @cached_property
    def statements(self) -> tuple[program.Statement, ...]:
        return (*program.walk(self.kernel.reference), *program.walk(self.kernel.body))

    @cached_property
    def elementwise(self) -> tuple[program.Elementwise, ...]:
        return tuple(each for each in self.statements if isinstance(each, program.Elementwise))

    @cached_property
    def ops(self) -> dict[Value, Op]:
        return {each.result: each for each in self.statements if isinstance(each, Op)}

    @cached_property
    def loops(self) -> dict[Value, tuple[Value, ...]]:
        """What a loop carries, by the values that it may be."""
        found: dict[Value, tuple[Value, ...]] = {}
        for each in self.statements:
            if isinstance(each, program.ForLoop):
                for one in each.carried:
                    found[one.argument] = found[one.result] = (one.initial, one.updated)
        return found

    @cached_property
    def stored(self) -> dict[str, tuple[Value, ...]]:
        """What is written to each `temp`, by its name."""
        found: dict[str, tuple[Value, ...]] = {}
        for each in self.statements:
            if isinstance(each, program.Store) and each.tensor.role == "temp":
                found[each.tensor.name] = (*found.get(each.tensor.name, ()), each.value)
        return found

    def fractional_power(self, op: program.Elementwise) -> bool:
        """Whether it is `x ** 0.5` or the like."""
        exponent = self.ops.get(op.operands[-1])
        constant = exponent.value if isinstance(exponent, program.Constant) else None
        return op.fn == "pow" and isinstance(constant, float) and not constant.is_integer()

    def made_of(self, values: list[Value]) -> set[str]:
        """The float tensors of which `values` are made by what keeps positive numbers positive."""
        return {
            op.tensor.name
            for op in self._reached(values, keeping_sign=True)
            if isinstance(op, program.Load) and op.tensor.element.kind == "float"
        }

    def behind(self, values: list[Value]) -> set[str]:
        """The integer tensors that `values` depend on."""
        return {
            op.tensor.name
            for op in self._reached(values, keeping_sign=False)
            if isinstance(op, program.Load) and op.tensor.element.kind == "int"
        }

    def _reached(self, values: list[Value], keeping_sign: bool) -> Iterator[Op]:
        waiting, seen = list(values), set[Value]()
        while waiting:
            value = waiting.pop()
            if value in seen:
                continue
            seen.add(value)
            waiting += self.loops.get(value, ())
            op = self.ops.get(value)
            if op is not None:
                yield op
                if isinstance(op, program.Load):
                    waiting += self.stored.get(op.tensor.name, ())
                waiting += self._sources(op) if keeping_sign else program.operands(op)
                if isinstance(op, program.Call):
                    waiting.append(op.body[-1].result)

    def _sources(self, op: Op) -> tuple[Value, ...]:
        """The operands that should be positive for the result to be."""
        match op:
            case program.Cast(operand=operand) | program.Fill(operand=operand):
                return (operand,)
            case program.Scan(operands=operands):
                return operands
            case program.Cut(tile=tile):
                return (tile,)
            case program.Insert(tile=tile, value=value):
                return (tile, value)
            case program.Reduce(fn="sum" | "mean" | "max" | "min" | "prod" | "first" | "last", operand=operand):
                return (operand,)
            case program.Dot(left=left, right=right):
                return () if self._same(left, right) else (left, right)
            case program.Elementwise(fn="mul", operands=(left, right)):
                return () if self._same(left, right) else (left, right)
            case program.Elementwise(fn="add" | "div" | "min", operands=operands):
                return operands
            case program.Elementwise(fn="max", operands=operands):
                return () if any(self._not_negative(each) for each in operands) else operands
            case program.Elementwise(fn="where", operands=(_, then, otherwise)):
                return (then, otherwise)
            case _:
                return ()

    def _same(self, left: Value, right: Value) -> bool:
        """Whether two values are one, as the factors of a square are."""
        a, b = self._bare(left), self._bare(right)
        if isinstance(a, program.Load) and isinstance(b, program.Load):
            return a.tensor == b.tensor and a.index == b.index
        return a is b

    def _bare(self, value: Value) -> Op | Value:
        op = self.ops.get(value)
        while isinstance(op, program.Cast):
            value = op.operand
            op = self.ops.get(value)
        return op if isinstance(op, program.Load) else value

    def _not_negative(self, value: Value) -> bool:
        op = self.ops.get(value)
        while isinstance(op, program.Cast | program.Fill):
            op = self.ops.get(op.operand)
        return isinstance(op, program.Constant) and op.value >= 0
