"""Dimensions as the text writes them: names, whole numbers, and `+ - * // %` on them."""

from __future__ import annotations

from collections.abc import Callable

from .. import sizes
from ..program import Size, SizeOp, size_value
from ..report import Report
from ..text import syntax

DEEPEST_SIZE = 20
"""Operators inside each other."""

Lookup = Callable[[syntax.Name], Size | None]
"""What a name stands for; None after a report."""


def written_size(node: syntax.Expr, lookup: Lookup, report: Report, depth: int = 0) -> Size | None:
    """The size that an expression stands for, or None after a report."""
    match node:
        case syntax.Name():
            return lookup(node)
        case syntax.Number(value=int(number)):
            return number
        case syntax.Unary(op="-" | "+" as sign) if depth < DEEPEST_SIZE:
            inside = written_size(node.operand, lookup, report, depth + 1)
            return inside if inside is None or sign == "+" else sizes.minus(0, inside)
        case syntax.Binary(op="+" | "-" | "*" | "//" | "%") if depth < DEEPEST_SIZE:
            left = written_size(node.left, lookup, report, depth + 1)
            right = written_size(node.right, lookup, report, depth + 1)
            if left is None or right is None:
                return None
            try:
                size = sizes.ARITHMETIC[node.op](left, right)
                if not isinstance(size, int) or abs(size) < sizes.LARGEST:
                    return size
                raise sizes.Unwieldy
            except sizes.Unwieldy:
                report.error("TK217", "this dimension cannot be worked out", node.span, "a number in it is too large, or a zero")
                return None
    help = "write it with names of dimensions and `int` constants, whole numbers and `+ - * // %`"
    report.error("TK217", "this is no dimension", node.span, "expected a name or arithmetic on names", help)
    return None


def check_extent(size: Size, node: syntax.Expr, report: Report) -> bool:
    """Whether a dimension may be that large; reports one that never has elements. Constants may make it empty."""
    least = 1 if isinstance(node, syntax.Number) else 0
    if isinstance(size, int) and size < least:
        what = "a dimension has at least one element" if least else "a dimension cannot be negative"
        report.error("TK217", what, node.span, f"found {size}")
        return False
    return True


def solvable(size: Size, name: str, known: set[str]) -> bool:
    """Whether `name` follows from what `size` comes to, once the names in `known` are."""
    match size:
        case str():
            return size == name
        case SizeOp("+" | "-" | "*", left, right):
            inside = left if name in sizes.names_in(left) else right
            beside = right if inside is left else left
            return known.issuperset(sizes.names_in(beside)) and solvable(inside, name, known)
        case _:
            return False


def solved(size: Size, value: int, dims: dict[str, int]) -> tuple[str, int] | None:
    """The one name in `size` that `dims` lacks, and what it must be for `size` to be `value`; None if nothing fits."""
    match size:
        case str():
            return size, value
        case SizeOp(op, left, right):
            unknown_left = any(name not in dims for name in sizes.names_in(left))
            beside = size_value(right if unknown_left else left, dims)
            target = _inverted(op, value, beside, unknown_left)
            return None if target is None else solved(left if unknown_left else right, target, dims)
        case _:
            return None


def _inverted(op: str, value: int, beside: int, unknown_left: bool) -> int | None:
    """x of `x op beside == value`, or of `beside op x == value`."""
    match op:
        case "+":
            return value - beside
        case "-":
            return value + beside if unknown_left else beside - value
        case "*":
            return value // beside if beside and value % beside == 0 else None
        case _:
            return None
