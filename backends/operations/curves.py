"""Hyperbolic functions and their inverses, sigmoid and the error function."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np

from . import composed
from .erf import erf
from .exponentials import log1p
from .powers import TABLE
from .record import ANY, SMOOTH, Absent, Names, Operation, Writer
from .written import expanded

T = TypeVar("T")

_FAR = 4096.0
"""From here on the 1 under the root is less than a unit in the last place of the logarithm."""


def _sigmoid(of: Writer[T], x: T) -> T:
    whole = of("reciprocal", of("add", of("exp", of("neg", x)), 1))
    return of("where", of("lt", x, -composed.LARGEST_EXP[4]), of("exp", x), whole)  # exp(-x) would be infinite


def _cosh(of: Writer[T], x: T) -> T:
    """Of the root of exp(|x|), which does not overflow before the result does."""
    root = of("exp", of("mul", of("abs", x), 0.5))
    return of("add", of("mul", of("mul", root, 0.5), root), of("mul", of("reciprocal", of("mul", root, root)), 0.5))


def _sinh(of: Writer[T], x: T) -> T:
    """tanh(x / 2) (cosh(x) + 1), where nothing cancels."""
    return of("mul", of("tanh", of("mul", x, 0.5)), of("add", _cosh(of, x), 1.0))


def _asinh(of: Writer[T], x: T) -> T:
    """log(a + sqrt(1 + a a)), a being |x|: near 0 by log1p, far out, where the square would overflow, log(2 a)."""
    size = of("abs", x)
    square = of("mul", size, size)
    beyond = of("mul", square, of("reciprocal", of("add", of("sqrt", of("add", square, 1.0)), 1.0)))
    near = log1p(of, of("add", size, beyond))
    result = of("where", of("gt", size, _FAR), of("add", of("log", size), composed.LN_2), near)
    return of("where", of("lt", x, 0.0), of("neg", result), result)


def _acosh(of: Writer[T], x: T) -> T:
    """log(x + sqrt(x x - 1)) by log1p of what exceeds 1; far out log(2 x)."""
    excess = of("sub", x, 1.0)
    near = log1p(of, of("add", excess, of("mul", of("sqrt", excess), of("sqrt", of("add", excess, 2.0)))))
    return of("where", of("gt", x, _FAR), of("add", of("log", x), composed.LN_2), near)


def _atanh(of: Writer[T], x: T) -> T:
    """log((1 + a) / (1 - a)) / 2 by log1p, a being |x|."""
    size = of("abs", x)
    excess = of("mul", of("add", size, size), of("reciprocal", of("sub", 1.0, size)))
    result = of("mul", log1p(of, excess), 0.5)
    return of("where", of("lt", x, 0.0), of("neg", result), result)


CURVES = (
    Operation(
        name="tanh",
        meaning=np.tanh,
        slopes=lambda x, v: [1 - v * v],
        jumps=SMOOTH,
        rounds=1,
        domain=(ANY,),
        expansion=TABLE,
        unit="table",
        names=Names("nl.tanh", "libdevice.tanh({0})", "jnp.tanh({0})"),
    ),
    Operation(
        name="sinh",
        meaning=expanded(_sinh, np.sinh),
        slopes=lambda x, v: [np.cosh(x[0])],
        jumps=SMOOTH,
        rounds=2,
        domain=(ANY,),
        expansion=_sinh,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.sinh({0})", "jnp.sinh({0})"),
    ),
    Operation(
        name="cosh",
        meaning=expanded(_cosh, np.cosh),
        slopes=lambda x, v: [np.sinh(x[0])],
        jumps=SMOOTH,
        rounds=2,
        domain=(ANY,),
        expansion=_cosh,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.cosh({0})", "jnp.cosh({0})"),
    ),
    Operation(
        name="asinh",
        meaning=expanded(_asinh, np.arcsinh),
        slopes=lambda x, v: [1 / np.sqrt(x[0] * x[0] + 1)],
        jumps=SMOOTH,
        rounds=2,
        domain=(ANY,),
        expansion=_asinh,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.asinh({0})", "jnp.arcsinh({0})"),
    ),
    Operation(
        name="acosh",
        meaning=expanded(_acosh, np.arccosh),
        slopes=lambda x, v: [1 / np.sqrt(x[0] * x[0] - 1)],
        jumps=SMOOTH,
        rounds=2,
        domain=((1.1, 5.0),),
        expansion=_acosh,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.acosh({0})", "jnp.arccosh({0})"),
    ),
    Operation(
        name="atanh",
        meaning=expanded(_atanh, np.arctanh),
        slopes=lambda x, v: [1 / (1 - x[0] * x[0])],
        jumps=SMOOTH,
        rounds=2,
        domain=((-0.9, 0.9),),
        expansion=_atanh,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.atanh({0})", "jnp.arctanh({0})"),
    ),
    Operation(
        name="sigmoid",
        meaning=composed.sigmoid,
        slopes=lambda x, v: [v * (1 - v)],
        jumps=SMOOTH,
        rounds=2,
        domain=(ANY,),
        expansion=_sigmoid,
        unit="table",
        names=Names("nl.sigmoid", "tl.sigmoid({0})", "1.0 / (1.0 + jnp.exp(-{0}))"),
    ),
    Operation(
        name="erf",
        meaning=erf,
        slopes=lambda x, v: [2 / math.sqrt(math.pi) * np.exp(-x[0] * x[0])],
        jumps=SMOOTH,
        rounds=1,
        domain=(ANY,),
        expansion=TABLE,
        unit="table",
        names=Names("nl.erf", "tl.erf({0})", "lax.erf({0})"),
    ),
)
