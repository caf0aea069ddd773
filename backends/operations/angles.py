"""Sine, cosine, tangent, and the angles that have a tangent."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np

from .powers import TABLE
from .record import ANY, POSITIVE, SMOOTH, Absent, Names, Operation, Writer
from .written import expanded

T = TypeVar("T")

_ATAN = (
    0.9999999975460201,
    -0.3333328229551182,
    0.199982306403746,
    -0.14261573680264983,
    0.10940198965043517,
    -0.08372063947828604,
    0.0574635578460929,
    -0.030717508903231272,
    0.01068071944608099,
    -0.0017437011439092583,
)
"""atan(sqrt t) / sqrt t for t from 0 to 1, lowest power first: interpolated at Chebyshev points, 2.5e-9 off at most."""


def _small_angle(of: Writer[T], tangent: T) -> T:
    """The angle of a tangent from 0 to 1."""
    square = of("mul", tangent, tangent)
    series = of("mul", square, _ATAN[-1])
    for each in _ATAN[-2:0:-1]:
        series = of("mul", of("add", series, each), square)
    return of("mul", of("add", series, _ATAN[0]), tangent)


def _tan(of: Writer[T], x: T) -> T:
    return of("mul", of("sin", x), of("reciprocal", of("cos", x)))


def _atan(of: Writer[T], x: T) -> T:
    size = of("abs", x)
    steep = of("gt", size, 1.0)
    angle = _small_angle(of, of("where", steep, of("reciprocal", size), size))
    angle = of("where", steep, of("sub", math.pi / 2, angle), angle)
    return of("where", of("lt", x, 0.0), of("neg", angle), angle)


def _is_negative(of: Writer[T], x: T) -> T:
    """True of -0 too, whose reciprocal is below 0."""
    return of("or", of("lt", x, 0.0), of("lt", of("reciprocal", x), 0.0))


def _atan2(of: Writer[T], y: T, x: T) -> T:
    """Both are scaled by a power of two, so that the reciprocal is no smaller than the smallest number of full precision."""
    high, wide = of("abs", y), of("abs", x)
    larger, smaller = of("max", high, wide), of("min", high, wide)
    scale = of("where", of("gt", larger, 2.0**100), 2.0**-30, of("where", of("lt", larger, 2.0**-60), 2.0**60, 1.0))
    tangent = of("mul", of("mul", smaller, scale), of("reciprocal", of("mul", larger, scale)))
    # 0 / 0 and infinity / infinity have no quotient; the angles of both are known.
    tangent = of("where", of("eq", smaller, larger), of("where", of("eq", larger, 0.0), 0.0, 1.0), tangent)
    angle = _small_angle(of, tangent)
    angle = of("where", of("gt", high, wide), of("sub", math.pi / 2, angle), angle)
    angle = of("where", _is_negative(of, x), of("sub", math.pi, angle), angle)
    return of("where", _is_negative(of, y), of("neg", angle), angle)


ANGLES = (
    Operation(
        name="sin",
        meaning=np.sin,
        slopes=lambda x, v: [np.cos(x[0])],
        jumps=SMOOTH,
        rounds=1,
        domain=(ANY,),
        expansion=TABLE,
        unit="table",
        names=Names("nl.sin", "tl.sin({0})", "jnp.sin({0})"),
    ),
    Operation(
        name="cos",
        meaning=np.cos,
        slopes=lambda x, v: [-np.sin(x[0])],
        jumps=SMOOTH,
        rounds=1,
        domain=(ANY,),
        expansion=TABLE,
        unit="table",
        names=Names("nl.cos", "tl.cos({0})", "jnp.cos({0})"),
    ),
    Operation(
        name="tan",
        meaning=expanded(_tan, np.tan),
        slopes=lambda x, v: [1 + v * v],
        jumps=SMOOTH,
        rounds=2,
        domain=((-1.4, 1.4),),
        expansion=_tan,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.tan({0})", "jnp.tan({0})"),
    ),
    Operation(
        name="atan",
        meaning=expanded(_atan, np.arctan),
        slopes=lambda x, v: [1 / (1 + x[0] * x[0])],
        jumps=SMOOTH,
        rounds=1,
        domain=(ANY,),
        expansion=_atan,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.atan({0})", "jnp.arctan({0})"),
    ),
    Operation(
        name="atan2",
        meaning=expanded(_atan2, np.arctan2),
        slopes=lambda x, v: [x[1] / (x[0] * x[0] + x[1] * x[1]), -x[0] / (x[0] * x[0] + x[1] * x[1])],
        jumps=SMOOTH,
        rounds=2,
        domain=(ANY, POSITIVE),
        expansion=_atan2,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.atan2({0}, {1})", "jnp.arctan2({0}, {1})"),
    ),
)
