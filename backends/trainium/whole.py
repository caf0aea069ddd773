"""Rounding to whole numbers, which no arithmetic unit has: a copy to i32 rounds to nearest even, and the rest follows.

round(x)        where(x ** 2 < 2 ** 46, t, x)                with t = i32(x)
floor(x)        where(x ** 2 < 2 ** 46, t - (t > x), x)
ceil(x)         where(x ** 2 < 2 ** 46, t + (t < x), x)
i8(round(x))    i8(x)                                        a cast to integers rounds in the same way

From 2 ** 23 on every float is whole; infinities and NaN stay as they are. A result of 0 loses its sign.
"""

from __future__ import annotations

from collections.abc import Iterable

from tilery.dsl.program import Cast, Constant, Elementwise, Op, Statement, Value
from tilery.dsl.types import BOOL, F32, I32, ElementType

from .lowering.uses import Uses

CORRECTED = {"round": None, "floor": ("gt", "sub"), "ceil": ("lt", "add")}
"""By function: when the nearest whole number is one too far, and what mends it."""


def in_whole_numbers(op: Elementwise) -> list[Op]:
    """The operations in place of `floor`, `ceil` or `round`."""
    (x,) = op.operands
    if x.element.kind != "float":
        return [Cast(_value(op, op.result.element), x)]
    done: list[Op] = []

    def add(element: ElementType, fn: str, *operands: Value) -> Value:
        done.append(Elementwise(_value(op, element), fn, operands))
        return done[-1].result

    def number(value: float) -> Value:
        done.append(Constant(Value(f"{value:g}", (), F32, op.result.span), value))
        return done[-1].result

    done.append(Cast(_value(op, I32), x))
    nearest = done[-1].result
    correction = CORRECTED[op.fn]
    if correction is not None:
        is_off, mends = correction
        nearest = add(I32, mends, nearest, add(BOOL, is_off, nearest, x))
    small = add(BOOL, "lt", add(F32, "pow", x, number(2.0)), number(2.0**46))
    add(op.result.element, "where", small, nearest, x)
    return done


def rounded_by_casts(body: Iterable[Statement]) -> frozenset[Value]:
    """The results of `round` that nothing but casts to integers read."""
    uses = Uses(tuple(body))
    rounded = [op.result for op in uses.definition.values() if isinstance(op, Elementwise) and op.fn == "round"]
    return frozenset(value for value in rounded if uses.of(value) and all(_to_integers(use.by) for use in uses.of(value)))


def _to_integers(by: object) -> bool:
    return isinstance(by, Cast) and by.result.element.kind == "int"


def _value(op: Elementwise, element: ElementType) -> Value:
    return Value(f"%{op.fn}", op.result.axes, element, op.result.span)
