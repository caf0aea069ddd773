"""Arithmetic: sums, products, quotients, what is the smaller and what the larger one, and rounding to whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ..numbers.rounding import Array
from .composed import divide
from .jumps import remainder, steps, whole_quotient
from .record import ANY, POSITIVE, SMOOTH, Absent, Meaning, Names, Operation, Writer, steady

T = TypeVar("T")

_PRIMITIVE = Absent("an instruction of its own")
_NO_ROUNDING = Absent("the arithmetic of an instruction has no rounding to whole numbers")
_NO_ROUNDED_QUOTIENT = Absent("neither the quotient rounded down nor its remainder, of the divisor's sign, is an operation")


def _to_whole(function: np.ufunc) -> Meaning:
    """`floor`, `ceil` or `round`; whole numbers are passed on in their own type."""

    def applied(x: Array, out: Array | None = None) -> Array:
        return np.asarray(function(x, out=out) if x.dtype.kind == "f" else np.positive(x, out=out))

    return applied


def _clamp(x: Array, low: Array, high: Array, out: Array | None = None) -> Array:
    return np.minimum(np.maximum(x, low, out=out), high, out=out)


def _chosen(arrays: Sequence[Array], value: Array) -> Sequence[Array]:
    """`min`, `max`, `clamp`: the operand that the value is."""
    return [each == value for each in arrays]


def _divided(of: Writer[T], a: T, b: T) -> T:
    return of("mul", a, of("reciprocal", b))


def _negated(of: Writer[T], x: T) -> T:
    return of("mul", x, -1)


def _clamped(of: Writer[T], x: T, low: T, high: T) -> T:
    return of("min", of("max", x, low), high)


def _signed(of: Writer[T], x: T) -> T:
    """At 0, and of NaN, the number itself."""
    return of("where", of("gt", x, 0), 1, of("where", of("lt", x, 0), -1, x))


ARITHMETIC = (
    Operation(
        name="add",
        meaning=np.add,
        slopes=lambda x, v: [1.0, 1.0],
        jumps=SMOOTH,
        rounds=1,
        domain=(ANY, ANY),
        expansion=_PRIMITIVE,
        unit="alu",
        names=Names("nl.add", "{0} + {1}", "{0} + {1}"),
    ),
    Operation(
        name="sub",
        meaning=np.subtract,
        slopes=lambda x, v: [1.0, -1.0],
        jumps=SMOOTH,
        rounds=1,
        domain=(ANY, ANY),
        expansion=_PRIMITIVE,
        unit="alu",
        names=Names("nl.subtract", "{0} - {1}", "{0} - {1}"),
    ),
    Operation(
        name="mul",
        meaning=np.multiply,
        slopes=lambda x, v: [x[1], x[0]],
        jumps=SMOOTH,
        rounds=1,
        domain=(ANY, ANY),
        expansion=_PRIMITIVE,
        unit="alu",
        names=Names("nl.multiply", "{0} * {1}", "{0} * {1}"),
    ),
    Operation(
        name="div",
        meaning=divide,
        slopes=lambda x, v: [1 / x[1], -v / x[1]],
        jumps=SMOOTH,
        rounds=2,
        domain=(ANY, POSITIVE),
        expansion=_divided,
        unit="none",
        names=Names(Absent("no engine divides: it is expanded"), "{0} / {1}", "{0} / {1}"),
    ),
    Operation(
        name="floordiv",
        meaning=np.floor_divide,
        slopes=steady(2),
        jumps=whole_quotient,
        rounds=0,
        domain=(ANY, POSITIVE),
        expansion=_PRIMITIVE,
        unit="one operand",
        names=Names(_NO_ROUNDED_QUOTIENT, "tl.floor({0} / {1})", "jnp.floor_divide({0}, {1})"),
    ),
    Operation(
        name="mod",
        meaning=np.remainder,
        slopes=lambda x, v: [1.0, -np.floor_divide(x[0], x[1])],
        jumps=remainder,
        rounds=0,
        domain=(ANY, POSITIVE),
        expansion=_PRIMITIVE,
        unit="alu",
        names=Names(_NO_ROUNDED_QUOTIENT, "{0} - {1} * tl.floor({0} / {1})", "jnp.remainder({0}, {1})"),
    ),
    Operation(
        name="neg",
        meaning=np.negative,
        slopes=lambda x, v: [-1.0],
        jumps=SMOOTH,
        rounds=0,
        domain=(ANY,),
        expansion=_negated,
        unit="none",
        names=Names("nl.negative", "-{0}", "-{0}"),
    ),
    Operation(
        name="abs",
        meaning=np.absolute,
        slopes=lambda x, v: [np.sign(x[0])],
        jumps=SMOOTH,
        rounds=0,
        domain=(ANY,),
        expansion=_PRIMITIVE,
        unit="one operand",
        names=Names("nl.abs", "tl.abs({0})", "jnp.abs({0})"),
    ),
    Operation(
        name="sign",
        meaning=np.sign,
        slopes=steady(1),
        jumps=steps(np.sign),
        rounds=0,
        domain=(ANY,),
        expansion=_signed,
        unit="none",
        names=Names("nl.sign", "tl.where({0} > 0, 1, tl.where({0} < 0, -1, {0}))", "jnp.sign({0})"),
    ),
    Operation(
        name="min",
        meaning=np.minimum,
        slopes=_chosen,
        jumps=SMOOTH,
        rounds=0,
        domain=(ANY, ANY),
        expansion=_PRIMITIVE,
        unit="alu",
        names=Names("nl.minimum", "tl.minimum({0}, {1}, tl.PropagateNan.ALL)", "jnp.minimum({0}, {1})"),
    ),
    Operation(
        name="max",
        meaning=np.maximum,
        slopes=_chosen,
        jumps=SMOOTH,
        rounds=0,
        domain=(ANY, ANY),
        expansion=_PRIMITIVE,
        unit="alu",
        names=Names("nl.maximum", "tl.maximum({0}, {1}, tl.PropagateNan.ALL)", "jnp.maximum({0}, {1})"),
    ),
    Operation(
        name="clamp",
        meaning=_clamp,
        slopes=_chosen,
        jumps=SMOOTH,
        rounds=0,
        domain=(ANY, (-1.0, 0.0), (0.5, 1.0)),
        expansion=_clamped,
        unit="none",
        names=Names(
            Absent("it is expanded"), "tl.clamp({0}, {1}, {2}, tl.PropagateNan.ALL)", "jnp.minimum(jnp.maximum({0}, {1}), {2})"
        ),
    ),
    Operation(
        name="floor",
        meaning=_to_whole(np.floor),
        slopes=steady(1),
        jumps=steps(np.floor),
        rounds=0,
        domain=(ANY,),
        expansion=_PRIMITIVE,
        unit="one operand",
        names=Names(_NO_ROUNDING, "tl.floor({0})", "jnp.floor({0})"),
    ),
    Operation(
        name="ceil",
        meaning=_to_whole(np.ceil),
        slopes=steady(1),
        jumps=steps(np.ceil),
        rounds=0,
        domain=(ANY,),
        expansion=_PRIMITIVE,
        unit="one operand",
        names=Names(_NO_ROUNDING, "tl.ceil({0})", "jnp.ceil({0})"),
    ),
    Operation(
        name="round",
        meaning=_to_whole(np.rint),
        slopes=steady(1),
        jumps=steps(np.rint),
        rounds=0,
        domain=(ANY,),
        expansion=_PRIMITIVE,
        unit="one operand",
        names=Names(_NO_ROUNDING, "libdevice.rint({0})", "jnp.round({0})"),
    ),
)
