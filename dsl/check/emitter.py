"""Where checked operations are put, in order; operations on known numbers are carried out at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..functions import FUNCTIONS, Number, result_type
from ..program import (
    Axis,
    Cast,
    Constant,
    DimensionSize,
    Elementwise,
    Fill,
    Op,
    Positions,
    ScalarArgument,
    Size,
    Statement,
    Value,
)
from ..report import Abandoned, Report
from ..spans import Span
from ..specialise.fold import folded
from ..types import BOOL, F32, I32, AnyType
from .places.linear import Linear, combined

MOST_STATEMENTS = 20_000
"""Statements and operations of a kernel. A `fn` that calls another one twice, and so on, would double without end."""


def united(axes: Sequence[Sequence[Axis]]) -> tuple[Axis, ...]:
    """The axes of an elementwise result: all of the operands', in order of first appearance."""
    return tuple(dict.fromkeys(each for group in axes for each in group))


@dataclass(slots=True)
class Emitter:
    """The statements of the block being checked, and what is known about their values."""

    report: Report
    out: list[Statement] = field(default_factory=list)
    known: dict[Value, Number] = field(default_factory=dict)
    """The values that are numbers already."""
    static: set[Value] = field(default_factory=set)
    """The values made from numbers and constant parameters alone: what an `if` may ask for."""
    fills: dict[Value, Fill] = field(default_factory=dict)
    """The tiles that are one number everywhere."""
    linear: dict[Value, Linear] = field(default_factory=dict)
    """The values that are sums of positions and sizes."""
    lacking: dict[Value, tuple[Axis, ...]] = field(default_factory=dict)
    """Axes that a value has in the text and not here, being the same all along them: `bias[m, n]` of a bias of one row."""
    ops: dict[Value, Op] = field(default_factory=dict)
    """The operation that defines each value."""
    count: int = 0

    @contextmanager
    def block(self) -> Iterator[list[Statement]]:
        """Collects what is emitted inside in a list of its own."""
        outer, self.out = self.out, []
        try:
            yield self.out
        finally:
            self.out = outer

    def value(self, axes: tuple[Axis, ...], dtype: AnyType, span: Span, name: str = "") -> Value:
        """A value that the next operation will define; nameless ones are numbered."""
        self.count += 1
        if self.count > MOST_STATEMENTS:
            self.report.error("TK117", f"this kernel comes to more than {MOST_STATEMENTS} operations", span)
            raise Abandoned
        return Value(name or f"%{self.count}", axes, dtype, span)

    def add(self, op: Op) -> Value:
        """Emits an operation."""
        self.out.append(op)
        self.ops[op.result] = op
        return op.result

    def constant(self, number: Number, span: Span) -> Value:
        """A number or truth value."""
        dtype = BOOL if isinstance(number, bool) else I32 if isinstance(number, int) else F32
        value = self.add(Constant(self.value((), dtype, span), number))
        self.known[value] = number
        self.static.add(value)
        return value

    def zero(self, dtype: AnyType, span: Span) -> Value:
        """0 in an arithmetic type, which may be open."""
        if dtype in (F32, I32):
            return self.constant(0.0 if dtype == F32 else 0, span)
        return self.add(Constant(self.value((), dtype, span), 0))

    def parameter(self, name: str, dtype: AnyType, span: Span, *, constant: bool) -> Value:
        """The value of a scalar parameter, or of a constant one that is open."""
        value = self.add(ScalarArgument(self.value((), dtype, span), name))
        if constant:
            self.static.add(value)
            if dtype == I32:
                self.linear[value] = Linear(offset=name)
        return value

    def positions(self, axis: Axis, span: Span) -> Value:
        """The positions along an axis."""
        value = self.add(Positions(self.value((axis,), I32, span), axis))
        self.linear[value] = Linear({axis: 1})
        return value

    def size(self, size: Size, span: Span) -> Value:
        """The number of elements that a size stands for."""
        if isinstance(size, int):
            return self.constant(size, span)
        value = self.add(DimensionSize(self.value((), I32, span), size))
        self.linear[value] = Linear(offset=size)
        return value

    def form(self, value: Value) -> Linear | None:
        """A value as a sum of positions and sizes, if it is one."""
        number = self.known.get(value)
        if isinstance(number, int) and not isinstance(number, bool):
            return Linear(offset=number)
        return self.linear.get(value)

    def cast(self, operand: Value, dtype: AnyType, span: Span) -> Value:
        """`operand` rounded to `dtype`; itself if it has that type already."""
        if operand.dtype == dtype:
            return operand
        if operand in self.known and dtype == F32:
            return self.constant(float(self.known[operand]), span)
        value = self.add(Cast(self.value(operand.axes, dtype, span), operand))
        if operand in self.static:
            self.static.add(value)
        return self.lacks(value, self.lacking.get(operand, ()))

    def fill(self, operand: Value, axes: tuple[Axis, ...], span: Span, name: str = "") -> Value:
        """A tile whose every element is the scalar `operand`."""
        op = Fill(self.value(axes, operand.dtype, span, name), operand)
        self.fills[op.result] = op
        return self.add(op)

    def widened(self, value: Value, extra: tuple[Axis, ...]) -> Value | None:
        """`value` with more axes of extent one behind its own; None for a memory type, which arithmetic would change."""
        axes = (*value.axes, *extra)
        if not value.axes:
            return self.fill(value, axes, value.span, value.name)
        if (fill := self.fills.get(value)) is not None:
            return self.fill(fill.operand, axes, value.span, value.name)
        if value.dtype not in (F32, I32):
            return None
        zero = self.fill(self.constant(0.0 if value.dtype == F32 else 0, value.span), extra, value.span)
        return self.add(Elementwise(self.value(axes, value.dtype, value.span, value.name), "add", (value, zero)))

    def lacks(self, value: Value, axes: Sequence[Axis]) -> Value:
        """`value`, noted as the same all along those of `axes` that it has not."""
        if axes and (missing := tuple(each for each in dict.fromkeys(axes) if each not in value.axes)):
            self.lacking[value] = missing
        return value

    def spread(self, value: Value, wanted: Iterable[Axis]) -> Value:
        """`value` with those of the axes `wanted` that it lacks, every element as it is."""
        lacking = self.lacking.get(value, ())
        axes = tuple(each for each in dict.fromkeys(wanted) if each in lacking)
        if not axes:
            return value
        rest = [each for each in lacking if each not in axes]
        if not value.axes or value in self.fills:
            operand = self.fills[value].operand if value in self.fills else value
            return self.lacks(self.fill(operand, (*value.axes, *axes), value.span), rest)
        whole = value.dtype in (I32, BOOL) or getattr(value.dtype, "kind", "float") == "int"
        # A product with one keeps every bit, the sign of zero too, and the cast back is exact.
        one = self.fill(self.constant(True if value.dtype == BOOL else 1 if whole else 1.0, value.span), axes, value.span)
        fn = "and" if value.dtype == BOOL else "mul"
        kind = BOOL if value.dtype == BOOL else I32 if whole else F32
        wide = self.add(Elementwise(self.value((*value.axes, *axes), kind, value.span), fn, (value, one)))
        return self.lacks(self.cast(wide, value.dtype, value.span), rest)

    def elementwise(self, fn: str, operands: tuple[Value, ...], span: Span) -> Value:
        """`fn` of operands whose number and types have been checked."""
        numbers = [self.known[each] for each in operands if each in self.known]
        if len(numbers) == len(operands) and (result := folded(fn, numbers)) is not None:
            return self.constant(result, span)
        lacking = [axis for each in operands for axis in self.lacking.get(each, ())] if self.lacking else []
        if fn in ("and", "or") and numbers:
            return self.lacks(self._decided(fn, operands, span), lacking)
        if fn in ("eq", "le", "ge") and self._same(operands):
            return self.constant(True, span)
        axes = united([each.axes for each in operands])
        dtype = result_type(FUNCTIONS[fn].gives, [each.dtype for each in operands])
        value = self.add(Elementwise(self.value(axes, dtype, span), fn, operands))
        self._learn(value, fn, operands)
        return self.lacks(value, lacking) if lacking else value

    def _learn(self, value: Value, fn: str, operands: tuple[Value, ...]) -> None:
        """Notes what is known of a result without its number."""
        if self.static.issuperset(operands):
            self.static.add(value)
        forms = [form for each in operands if (form := self.form(each)) is not None]
        if len(forms) == len(operands) and (form := combined(fn, forms)) is not None:
            self.linear[value] = form

    def _same(self, operands: tuple[Value, ...]) -> bool:
        """Whether two scalars are one size, written in two ways perhaps."""
        left, right = (self.form(each) for each in operands)
        return left is not None and left == right and not left.terms

    def _decided(self, fn: str, operands: tuple[Value, ...], span: Span) -> Value:
        """`and` or `or` with one side known: the other side, or that truth value, everywhere."""
        left, right = operands
        known, other = (left, right) if left in self.known else (right, left)
        if bool(self.known[known]) == (fn == "and"):
            return other
        # The axes must not depend on what a constant happens to be, so a truth value is spread over those of the other side.
        truth = self.constant(fn == "or", span)
        return self.fill(truth, other.axes, span) if other.axes else truth

    def named(self, value: Value, name: str, emitted_since: int) -> Value:
        """`value` under the name that the text gives it, if it was made just now and has none yet."""
        last = self.out[-1] if len(self.out) > emitted_since else None
        if not isinstance(last, Op) or last.result is not value or not value.name.startswith("%"):
            return value
        renamed = dataclasses.replace(value, name=name)
        self.out[-1] = self.ops[renamed] = dataclasses.replace(last, result=renamed)
        if value in self.known:
            self.known[renamed] = self.known[value]
        if value in self.static:
            self.static.add(renamed)
        if value in self.linear:
            self.linear[renamed] = self.linear[value]
        self.lacks(renamed, self.lacking.get(value, ()))
        if isinstance(self.out[-1], Fill):
            self.fills[renamed] = self.out[-1]
        return renamed
