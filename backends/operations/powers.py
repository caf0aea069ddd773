"""Powers and roots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ..numbers.rounding import Array
from . import composed
from .comparisons import chosen
from .record import ANY, POSITIVE, SMOOTH, Absent, Names, Operation, Writer
from .written import expanded

T = TypeVar("T")

TABLE = Absent("a function that chips have in a table")


def _power(x: Array, y: Array, out: Array | None = None) -> Array:
    if y.size == 1 and y.flat[0] == 2:  # np.power takes ten times as long
        return np.multiply(x, x, out=out)
    if x.dtype.kind == "f":
        return np.asarray(np.power(x, y, out=out))
    # A negative exponent leaves nothing of a whole number but of 1 and -1, whose powers repeat.
    powers = np.power(x, np.where(y < 0, y & 1, y))
    return chosen((y < 0) & (np.absolute(x) != 1), powers.dtype.type(0), powers, out)


def _slopes_of_power(arrays: Sequence[Array], value: Array) -> Sequence[Array]:
    base, exponent = arrays
    return [exponent * np.power(base, exponent - 1.0), value * np.log(np.abs(base))]


def _scale_of_power(arrays: Sequence[Array], value: Array) -> Array:
    """exp(y log x): the error of the exponent is on its own scale."""
    return np.asarray(np.abs(value) * (1 + np.abs(arrays[1] * np.log(np.abs(arrays[0])))))


def _rsqrt(of: Writer[T], x: T) -> T:
    return of("reciprocal", of("sqrt", x))


def _hypot(of: Writer[T], a: T, b: T) -> T:
    """Both are scaled by a power of two, which is exact, so that no square overflows or loses bits below the smallest number."""
    a, b = of("abs", a), of("abs", b)
    larger = of("max", a, b)
    scale = of("where", of("gt", larger, 2.0**62), 2.0**-70, of("where", of("lt", larger, 2.0**-40), 2.0**100, 1.0))
    scaled_a, scaled_b = of("mul", a, scale), of("mul", b, scale)
    root = of("sqrt", of("add", of("mul", scaled_a, scaled_a), of("mul", scaled_b, scaled_b)))
    infinite = of("or", of("eq", a, math.inf), of("eq", b, math.inf))  # even beside NaN
    return of("where", infinite, math.inf, of("mul", root, of("reciprocal", scale)))


def _cbrt(of: Writer[T], x: T) -> T:
    """A power, and one step of Newton's method for what the rounded third costs."""
    size = of("abs", x)
    near = of("pow", size, 1 / 3)
    excess = of("sub", near, of("mul", size, of("reciprocal", of("mul", near, near))))
    root = of("sub", near, of("mul", excess, 1 / 3))
    signed = of("where", of("lt", x, 0.0), of("neg", root), root)
    ordinary = of("and", of("gt", size, 0.0), of("lt", size, math.inf))
    return of("where", ordinary, signed, x)


POWERS = (
    Operation(
        name="pow",
        meaning=_power,
        slopes=_slopes_of_power,
        jumps=SMOOTH,
        rounds=_scale_of_power,
        domain=(POSITIVE, ANY),
        expansion=Absent("an instruction of its own"),
        unit="alu",
        names=Names("nl.power", "libdevice.pow({0}, {1})", "jnp.power({0}, {1})"),
    ),
    Operation(
        name="sqrt",
        meaning=np.sqrt,
        slopes=lambda x, v: [0.5 / v],
        jumps=SMOOTH,
        rounds=1,
        domain=(POSITIVE,),
        expansion=TABLE,
        unit="table",
        names=Names("nl.sqrt", "tl.sqrt({0})", "jnp.sqrt({0})"),
    ),
    Operation(
        name="rsqrt",
        meaning=composed.rsqrt,
        slopes=lambda x, v: [-0.5 * v / x[0]],
        jumps=SMOOTH,
        rounds=2,
        domain=(POSITIVE,),
        expansion=_rsqrt,
        unit="table",
        names=Names("nl.rsqrt", "tl.rsqrt({0})", "lax.rsqrt({0})"),
    ),
    Operation(
        name="reciprocal",
        meaning=np.reciprocal,
        slopes=lambda x, v: [-v * v],
        jumps=SMOOTH,
        rounds=1,
        domain=(POSITIVE,),
        expansion=TABLE,
        unit="table",
        names=Names("nl.reciprocal", "1.0 / {0}", "1.0 / {0}"),
    ),
    Operation(
        name="hypot",
        meaning=expanded(_hypot, np.hypot),
        slopes=lambda x, v: [x[0] / v, x[1] / v],
        jumps=SMOOTH,
        rounds=1,
        domain=(ANY, ANY),
        expansion=_hypot,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.hypot({0}, {1})", "jnp.hypot({0}, {1})"),
    ),
    Operation(
        name="cbrt",
        meaning=expanded(_cbrt, np.cbrt),
        slopes=lambda x, v: [1 / (3 * v * v)],
        jumps=SMOOTH,
        rounds=1,
        domain=(POSITIVE,),
        expansion=_cbrt,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.cbrt({0})", "jnp.cbrt({0})"),
    ),
)
