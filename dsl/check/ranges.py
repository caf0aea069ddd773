"""`used: i32[B] in 1..L`: what an argument may be. A range is drawn from and checked, and changes no value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isinf

from .. import sizes
from ..errors import UsageError
from ..program import ConstantParameter, Parameter, Range, Size, Tensor
from ..report import Report, did_you_mean, listed
from ..text import syntax
from ..types import ELEMENT_TYPES, ElementType
from .shapes import DEEPEST_SIZE

Limit = Size | float

HELD: Mapping[str, tuple[float, float]] = {
    "i32": (-(2**31), 2**31 - 1),
    "i16": (-(2**15), 2**15 - 1),
    "i8": (-128, 127),
    "u16": (0, 2**16 - 1),
    "u8": (0, 255),
    "i4": (-8, 7),
    "u4": (0, 15),
    "f32": (-(2.0**128), 2.0**128),
    "bf16": (-(2.0**128), 2.0**128),
    "f16": (-65504, 65504),
    "f8e4m3": (-240, 240),
    "f8e4m3fn": (-448, 448),
    "f8e5m2": (-57344, 57344),
}
"""The smallest and the largest number that a type holds."""


def ranged(
    parameters: Sequence[Parameter], nodes: Sequence[syntax.Parameter], known: Mapping[str, Size], report: Report
) -> tuple[Parameter, ...]:
    """The parameters with the ranges that the text gives them; `known` are the sizes and constants that the limits may name."""
    written = {each.name.text: each for each in reversed(nodes)}
    return tuple(_ranged(each, written[each.name], known, report) for each in parameters)


def names_in_range(range: Range) -> Iterator[str]:
    """The dimensions and constants that the limits name."""
    for limit in (range.low, range.high):
        if not isinstance(limit, float):
            yield from sizes.names_in(limit)


def check_range(name: str, range: Range, dims: Mapping[str, int]) -> None:
    """Raises UsageError if a range is empty for these sizes."""
    low, high = range.limits(dims)
    if low > high:
        sizes_said = ", ".join(f"{each} = {dims[each]}" for each in dict.fromkeys(names_in_range(range)))
        raise UsageError(f"`{name} in {range}` is {low:g}..{high:g} with {sizes_said}: no number lies in it")


def _ranged(parameter: Parameter, node: syntax.Parameter, known: Mapping[str, Size], report: Report) -> Parameter:
    if node.range is None:
        return parameter
    what, name = "", parameter.name
    if isinstance(parameter, ConstantParameter):
        what = f"the constant `{name}` cannot have a range"
    elif node.type.text == "bool":
        what = f"`{name}` is bool, which has no range"
    if what or isinstance(parameter, ConstantParameter):
        help = f"write `require {name} >= ...`" if isinstance(parameter, ConstantParameter) else "leave it out"
        report.error("TK227", what, node.range.span, help=help)
        return parameter
    # Of a type that the call decides, the limits are cut to what it holds.
    reading = _Reading(known, ELEMENT_TYPES.get(node.type.text), report)
    low, high = reading.limit(node.range.low), reading.limit(node.range.high)
    if low is None or high is None or not _some_number(low, high, node.range, report):
        return parameter
    found = Range(low, high)
    if not isinstance(parameter, Tensor) and parameter.default is not None:
        _check_default(parameter.default, found, node, report)
    return replace(parameter, range=found)


def _some_number(low: Limit, high: Limit, node: syntax.Range, report: Report) -> bool:
    """Whether something may lie between the limits; what depends on sizes is left to `check_ranges`."""
    if isinstance(low, int | float) and isinstance(high, int | float):
        empty = low > high or (low == high and isinf(low))
    else:
        empty = low == inf or high == -inf
        if not isinstance(low, float) and not isinstance(high, float):
            empty = sizes.positive(sizes.minus(low, high))
    if empty:
        report.error("TK229", "no number lies in this range", node.span, "expected the lower bound first")
    return not empty


def _check_default(default: float, range: Range, node: syntax.Parameter, report: Report) -> None:
    low, high = (each if isinstance(each, int | float) else None for each in (range.low, range.high))
    if (low is not None and default < low) or (high is not None and default > high):
        assert node.default is not None
        report.error("TK231", f"the default {default} lies outside {range}", node.default.span)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the limits of one parameter's range."""

    known: Mapping[str, Size]
    dtype: ElementType | None
    """The type, where the text says it."""
    report: Report

    def limit(self, node: syntax.Expr) -> Limit | None:
        """A limit, or None after a report."""
        try:
            found = self._value(node, 0)
        except sizes.Unwieldy:
            self.report.error("TK228", "this bound cannot be worked out", node.span, "a number in it is too large, or a zero")
            return None
        return found if found is not None and self._fits(found, node) else None

    def _value(self, node: syntax.Expr, depth: int) -> Limit | None:
        if depth > DEEPEST_SIZE:
            raise sizes.Unwieldy
        match node:
            case syntax.Number(value=value):
                return value
            case syntax.Name(text="inf"):
                return inf
            case syntax.Name():
                return self._named(node)
            case syntax.Unary(op="-" | "+" as sign, operand=operand):
                inside = self._value(operand, depth + 1)
                return inside if inside is None or sign == "+" else _arithmetic("-", 0, inside)
            case syntax.Binary(op="+" | "-" | "*" | "//" as op):
                left, right = self._value(node.left, depth + 1), self._value(node.right, depth + 1)
                if left is None or right is None:
                    return None
                if not (isinstance(left, float) or isinstance(right, float)) or op != "//":
                    found = _arithmetic(op, left, right)
                    if found is not None:
                        return found
        expected = "expected numbers, dimensions and constants with `+ - * //`, whole where there are dimensions"
        self.report.error("TK228", "this is no bound", node.span, expected)
        return None

    def _named(self, node: syntax.Name) -> Size | None:
        if node.text in self.known:
            return self.known[node.text]
        known = sorted(self.known)
        help = did_you_mean(node.text, known) or (f"known are {listed(known)}" if known else "write a number")
        what = f"`{node.text}` is no dimension of the arguments and no constant"
        self.report.error("TK228", what, node.span, "a bound is known before the kernel runs", help)
        return None

    def _fits(self, limit: Limit, node: syntax.Expr) -> bool:
        if self.dtype is None or not isinstance(limit, int | float) or isinf(limit):
            return True
        low, high = HELD[self.dtype.name]
        if self.dtype.kind == "int" and isinstance(limit, float):
            self.report.error("TK230", f"{self.dtype} holds whole numbers", node.span, "expected a whole number")
        elif not low <= limit <= high:
            self.report.error("TK230", f"{self.dtype} does not hold {limit}", node.span, f"it holds {low:g} to {high:g}")
        else:
            return True
        return False


def _arithmetic(op: str, left: Limit, right: Limit) -> Limit | None:
    """`left op right`: of two sizes a size, of two numbers a number, and None of a fraction and a dimension."""
    if not isinstance(left, float) and not isinstance(right, float):
        return sizes.ARITHMETIC[op](left, right)
    if not (isinstance(left, int | float) and isinstance(right, int | float)):
        return None
    return float({"+": left + right, "-": left - right, "*": left * right}[op])
