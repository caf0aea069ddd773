"""The elementwise functions, the reductions and the scans: the language's half of each operation.

A record says how many operands a function takes, which type it gives, what it is for, and how the checker folds it. The other
half, what it does to arrays and errors and what the chip makes of it, is the record of the same name in `backends/operations/`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from .types import BOOL, F32, I32, AnyType, ElementType, Wide, widened

Given = Literal["same", "float", "integer", "compare", "logic", "select"]
Number = float | int | bool
Fold = Callable[..., Number | None]

_SMALL_POWER = 64
"""Exponents beyond this are left to run time: folding must never take long."""


@dataclass(frozen=True, slots=True)
class Function:
    """An elementwise function.

    `gives` is what becomes of its operands' types: `same` the arithmetic type that holds them all, `float` f32, `integer` i32
    from whole numbers alone, `compare` bool from numbers, `logic` bool from bools, `select` the first operand bool and the type
    that holds the others.
    """

    name: str
    arity: int
    gives: Given
    doc: str
    """What it is, in a line."""
    fold: Fold | None
    """Its value for numbers that are known when a kernel is checked; None leaves all of them to run time."""
    symbol: str = ""
    """How it is written, if it is an operator."""

    def __post_init__(self) -> None:
        if not (self.name.isidentifier() and self.arity in (1, 2, 3, 4) and self.doc.endswith(".")):
            raise ValueError(f"the record of `{self.name}` lacks a name, an arity of 1 to 4, or a sentence that says what it is")


def _table(*functions: Function) -> dict[str, Function]:
    table = {each.name: each for each in functions}
    if len(table) < len(functions):
        raise ValueError("two functions have one name")
    return table


def _power(base: Number, exponent: Number) -> Number | None:
    if not 0 <= exponent <= _SMALL_POWER or abs(base) >= 2**31:
        return None
    power: Number = base**exponent
    return power


def _shifted(shift: Callable[[int, int], int]) -> Fold:
    """Other distances than those within 32 bits are left to run time."""
    return lambda a, b: shift(int(a), int(b)) if 0 <= b < 32 else None


FUNCTIONS: dict[str, Function] = _table(
    Function("add", 2, "same", "The sum.", operator.add, "+"),
    Function("sub", 2, "same", "The difference.", operator.sub, "-"),
    Function("mul", 2, "same", "The product.", operator.mul, "*"),
    Function("div", 2, "float", "The quotient, a times the reciprocal of b.", operator.truediv, "/"),
    Function("floordiv", 2, "same", "The quotient rounded down.", operator.floordiv, "//"),
    Function("mod", 2, "same", "The remainder, of the sign of the divisor.", operator.mod, "%"),
    Function("pow", 2, "same", "a to the power of b.", _power, "**"),
    Function("neg", 1, "same", "The negative.", operator.neg, "-"),
    Function("lt", 2, "compare", "Whether a is less than b.", operator.lt, "<"),
    Function("le", 2, "compare", "Whether a is at most b.", operator.le, "<="),
    Function("gt", 2, "compare", "Whether a is greater than b.", operator.gt, ">"),
    Function("ge", 2, "compare", "Whether a is at least b.", operator.ge, ">="),
    Function("eq", 2, "compare", "Whether a and b are equal.", operator.eq, "=="),
    Function("ne", 2, "compare", "Whether a and b differ.", operator.ne, "!="),
    Function("and", 2, "logic", "Whether both are true.", lambda a, b: a and b, "and"),
    Function("or", 2, "logic", "Whether one is true.", lambda a, b: a or b, "or"),
    Function("not", 1, "logic", "Whether it is false.", operator.not_, "not"),
    Function("where", 3, "select", "a where the condition is true, else b.", lambda c, a, b: a if c else b),
    Function("min", 2, "same", "The smaller one; NaN if either is.", min),
    Function("max", 2, "same", "The larger one; NaN if either is.", max),
    Function("clamp", 3, "same", "The number nearest to x between low and high.", None),
    Function("abs", 1, "same", "The magnitude.", abs),
    Function("sign", 1, "same", "1, 0 or -1 as x is above, at or below 0; NaN of NaN.", None),
    Function("isnan", 1, "compare", "Whether x is not a number.", None),
    Function("isinf", 1, "compare", "Whether x is infinite.", None),
    Function("bit_and", 2, "integer", "The bits that both have.", operator.and_),
    Function("bit_or", 2, "integer", "The bits that one has.", operator.or_),
    Function("bit_xor", 2, "integer", "The bits that exactly one has.", operator.xor),
    Function("bit_not", 1, "integer", "The bits that x does not have, -1 - x.", operator.invert),
    Function("shift_left", 2, "integer", "a with its bits moved up by b places.", _shifted(operator.lshift)),
    Function("shift_right", 2, "integer", "a with its bits moved down by b places, its sign kept.", _shifted(operator.rshift)),
    Function("random_bits", 4, "integer", "32 random bits of two counters, a seed and a stream (Threefry-2x32).", None),
    Function("floor", 1, "same", "The greatest whole number not above x.", None),
    Function("ceil", 1, "same", "The least whole number not below x.", None),
    Function("round", 1, "same", "The nearest whole number, of two the even one.", None),
    Function("exp", 1, "float", "e to the power of x.", None),
    Function("exp2", 1, "float", "2 to the power of x.", None),
    Function("expm1", 1, "float", "exp(x) - 1, exact near 0 too.", None),
    Function("log", 1, "float", "The natural logarithm.", None),
    Function("log1p", 1, "float", "log(1 + x), exact near 0 too.", None),
    Function("log2", 1, "float", "The logarithm to the base 2.", None),
    Function("sqrt", 1, "float", "The square root.", None),
    Function("rsqrt", 1, "float", "One over the square root.", None),
    Function("reciprocal", 1, "float", "1 / x.", None),
    Function("hypot", 2, "float", "The square root of a * a + b * b, which does not overflow on the way.", None),
    Function("cbrt", 1, "float", "The cube root, of negative numbers too.", None),
    Function("tanh", 1, "float", "The hyperbolic tangent.", None),
    Function("sinh", 1, "float", "The hyperbolic sine.", None),
    Function("cosh", 1, "float", "The hyperbolic cosine.", None),
    Function("asinh", 1, "float", "The inverse hyperbolic sine.", None),
    Function("acosh", 1, "float", "The inverse hyperbolic cosine, of numbers from 1 on.", None),
    Function("atanh", 1, "float", "The inverse hyperbolic tangent, of numbers from -1 to 1.", None),
    Function("sigmoid", 1, "float", "1 / (1 + exp(-x)).", None),
    Function("erf", 1, "float", "The error function.", None),
    Function("sin", 1, "float", "The sine, of radians.", None),
    Function("cos", 1, "float", "The cosine, of radians.", None),
    Function("tan", 1, "float", "The tangent, of radians.", None),
    Function("atan", 1, "float", "The inverse tangent, in radians.", None),
    Function("atan2", 2, "float", "The angle of the point (b, a), in radians.", None),
)
"""Every elementwise function by name: the whole list that a backend must know."""

BINARY: dict[str, str] = {each.symbol: each.name for each in FUNCTIONS.values() if each.symbol and each.arity == 2}
"""The function of each operator between two operands."""

NAMED: dict[str, Function] = {each.name: each for each in FUNCTIONS.values() if not each.symbol}
"""The functions that are called by name."""

VARIADIC = frozenset({"min", "max"})
"""Called with more than two operands, these are applied pair by pair."""

REDUCTIONS: dict[str, Given | Literal["index", "kept"]] = {
    "sum": "same",
    "max": "same",
    "min": "same",
    "prod": "same",
    "mean": "float",
    "any": "logic",
    "all": "logic",
    "argmax": "index",
    "argmin": "index",
    "first": "kept",
    "last": "kept",
}
"""The reductions by name, and what becomes of the operand's type; `index` is i32, `kept` leaves it as it is."""

SCANS: dict[str, tuple[int, ...]] = {"cumsum": (1,), "cumprod": (1,), "cummax": (1,), "cummin": (1,), "scan": (2, 3)}
"""The scans by name, and how many operands they take. They are of the arithmetic type of all of these."""

EXCLUSIVE, REVERSE = "exclusive", "reverse"
"""The words that stand behind the axis of a scan: without the element itself; from the end to the beginning."""


def joined(types: Sequence[AnyType]) -> AnyType:
    """The type of arithmetic on operands of these types: f32 as soon as one is a float, else i32.

    Two type variables at once count as floats as long as they are open; bound, they are seen for what they are.
    """
    wide = {widened(each) for each in types}
    if F32 in wide or len(wide - {I32}) > 1:
        return F32
    return next(iter(wide - {I32}), I32)


def selected(types: Sequence[AnyType]) -> AnyType:
    """The type that holds either of two values: bool for two bools, else that of arithmetic on them."""
    return BOOL if all(each == BOOL for each in types) else joined(types)


def result_type(gives: Given, types: Sequence[AnyType]) -> AnyType:
    """The type that an elementwise function gives for operands of these types."""
    match gives:
        case "same":
            return joined(types)
        case "float":
            return F32
        case "integer":
            return I32
        case "select":
            return selected(types[1:])
        case _:
            return BOOL


def product_type(left: AnyType, right: AnyType) -> AnyType:
    """The type in which products of elements of these types are accumulated: f32, i32 for integers."""
    return joined([left, right])


def may_be_bool(kind: AnyType) -> bool:
    """Whether a value of this type may be a truth value; an open type variable may become anything."""
    return kind == BOOL or not isinstance(kind, ElementType | Wide)
