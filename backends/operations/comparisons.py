"""Comparisons, logic, and the choice between two values by a condition."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..numbers.rounding import Array
from .jumps import both, compared, either, other_arm, turned
from .record import ANY, Absent, Jump, Names, Operation, steady

_PRIMITIVE = Absent("an instruction of its own")
_TRUTH = (0.0, 1.0)


def chosen(condition: Array, x: Array, y: Array, out: Array | None = None) -> Array:
    """`x` where the condition holds, else `y`."""
    if out is None:
        return np.where(condition, x, y)
    # Two copies, not np.where: it has no `out`. The first must not overwrite an operand that the second reads.
    if np.may_share_memory(out, x) or np.may_share_memory(out, condition):
        np.copyto(out, np.where(condition, x, y))
    else:
        np.copyto(out, y)
        np.copyto(out, x, where=condition)
    return out


def _slopes_of_choice(arrays: Sequence[Array], value: Array) -> Sequence[Array | float]:
    condition = arrays[0].astype(bool)
    return [0.0, condition.astype(np.float64), (~condition).astype(np.float64)]


def _comparison(name: str, function: np.ufunc, nki: str, symbol: str) -> Operation:
    written = f"{{0}} {symbol} {{1}}"
    return Operation(
        name=name,
        meaning=function,
        slopes=steady(2),
        jumps=compared,
        rounds=0,
        domain=(ANY, ANY),
        expansion=_PRIMITIVE,
        unit="alu",
        names=Names(nki, written, written),
    )


def _logic(name: str, function: np.ufunc, symbol: str, jump: Jump) -> Operation:
    written = f"{{0}} {symbol} {{1}}"
    return Operation(
        name=name,
        meaning=function,
        slopes=steady(2),
        jumps=jump,
        rounds=0,
        domain=(_TRUTH, _TRUTH),
        expansion=_PRIMITIVE,
        unit="alu",
        names=Names(f"nl.logical_{name}", written, written),
    )


COMPARISONS = (
    _comparison("lt", np.less, "nl.less", "<"),
    _comparison("le", np.less_equal, "nl.less_equal", "<="),
    _comparison("gt", np.greater, "nl.greater", ">"),
    _comparison("ge", np.greater_equal, "nl.greater_equal", ">="),
    _comparison("eq", np.equal, "nl.equal", "=="),
    _comparison("ne", np.not_equal, "nl.not_equal", "!="),
    Operation(
        name="isnan",
        meaning=np.isnan,
        slopes=steady(1),
        jumps=Absent("no error makes a number of NaN"),
        rounds=0,
        domain=(ANY,),
        expansion=lambda of, x: of("ne", x, x),
        unit="none",
        names=Names(Absent("it is expanded"), "{0} != {0}", "jnp.isnan({0})"),
    ),
    Operation(
        name="isinf",
        meaning=np.isinf,
        slopes=steady(1),
        jumps=Absent("no error makes a number of infinity"),
        rounds=0,
        domain=(ANY,),
        expansion=lambda of, x: of("eq", of("abs", x), math.inf),
        unit="none",
        names=Names(Absent("it is expanded"), "tl.abs({0}) == float('inf')", "jnp.isinf({0})"),
    ),
    _logic("and", np.logical_and, "&", both),
    _logic("or", np.logical_or, "|", either),
    Operation(
        name="not",
        meaning=np.logical_not,
        slopes=steady(1),
        jumps=turned,
        rounds=0,
        domain=(_TRUTH,),
        expansion=_PRIMITIVE,
        unit="one operand",
        names=Names("nl.logical_not", "~{0}", "~{0}"),
    ),
    Operation(
        name="where",
        meaning=chosen,
        slopes=_slopes_of_choice,
        jumps=other_arm,
        rounds=0,
        domain=(_TRUTH, ANY, ANY),
        expansion=_PRIMITIVE,
        unit="select",
        names=Names("nl.where", "tl.where({0}, {1}, {2})", "jnp.where({0}, {1}, {2})"),
    ),
)
