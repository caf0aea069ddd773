"""The elementwise functions and the reductions: their names, how many operands they take, and the type they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .types import BOOL, F32, I32, AnyType, ElementType, Wide, widened

Given = Literal["same", "float", "compare", "logic", "select"]


@dataclass(frozen=True, slots=True)
class Function:
    """An elementwise function.

    `gives` is what becomes of its operands' types: `same` the arithmetic type that holds them all, `float` f32, `compare`
    bool from numbers, `logic` bool from bools, `select` the first operand bool and the type that holds the others.
    """

    name: str
    arity: int
    gives: Given
    symbol: str = ""
    """How it is written, if it is an operator."""


def _table(*functions: Function) -> dict[str, Function]:
    return {each.name: each for each in functions}


FUNCTIONS: dict[str, Function] = _table(
    Function("add", 2, "same", "+"),
    Function("sub", 2, "same", "-"),
    Function("mul", 2, "same", "*"),
    Function("div", 2, "float", "/"),
    Function("floordiv", 2, "same", "//"),
    Function("mod", 2, "same", "%"),
    Function("pow", 2, "same", "**"),
    Function("neg", 1, "same", "-"),
    Function("lt", 2, "compare", "<"),
    Function("le", 2, "compare", "<="),
    Function("gt", 2, "compare", ">"),
    Function("ge", 2, "compare", ">="),
    Function("eq", 2, "compare", "=="),
    Function("ne", 2, "compare", "!="),
    Function("and", 2, "logic", "and"),
    Function("or", 2, "logic", "or"),
    Function("not", 1, "logic", "not"),
    Function("where", 3, "select"),
    Function("min", 2, "same"),
    Function("max", 2, "same"),
    Function("clamp", 3, "same"),
    Function("abs", 1, "same"),
    Function("floor", 1, "same"),
    Function("ceil", 1, "same"),
    Function("round", 1, "same"),
    *(
        Function(name, 1, "float")
        for name in ["exp", "exp2", "log", "log2", "sqrt", "rsqrt", "reciprocal", "tanh", "sigmoid", "erf", "sin", "cos"]
    ),
)
"""Every elementwise function by name: the whole list that a backend must know."""

BINARY: dict[str, str] = {each.symbol: each.name for each in FUNCTIONS.values() if each.symbol and each.arity == 2}
"""The function of each operator between two operands."""

NAMED: dict[str, Function] = {each.name: each for each in FUNCTIONS.values() if not each.symbol}
"""The functions that are called by name."""

VARIADIC = frozenset({"min", "max"})
"""Called with more than two operands, these are applied pair by pair."""

REDUCTIONS: dict[str, Given | Literal["index"]] = {
    "sum": "same",
    "max": "same",
    "min": "same",
    "prod": "same",
    "mean": "float",
    "any": "logic",
    "all": "logic",
    "argmax": "index",
    "argmin": "index",
}
"""The reductions by name, and what becomes of the operand's type; `index` is i32."""

SCANS = frozenset({"cumsum", "cummax"})
"""The scans, of the arithmetic type of their operand."""


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
        case "select":
            return selected(types[1:])
        case _:
            return BOOL


def product_type(operand: AnyType) -> AnyType:
    """The type in which products of elements of this type are accumulated: f32, i32 for integers."""
    return widened(operand)


def may_be_bool(kind: AnyType) -> bool:
    """Whether a value of this type may be a truth value; an open type variable may become anything."""
    return kind == BOOL or not isinstance(kind, ElementType | Wide)
