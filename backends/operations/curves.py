"""Trigonometric and hyperbolic functions, and those like them: sigmoid and the error function."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np

from . import composed
from .erf import erf
from .powers import TABLE
from .record import ANY, SMOOTH, Names, Operation, Writer

T = TypeVar("T")


def _sigmoid(of: Writer[T], x: T) -> T:
    whole = of("reciprocal", of("add", of("exp", of("neg", x)), 1))
    return of("where", of("lt", x, -composed.LARGEST_EXP[4]), of("exp", x), whole)  # exp(-x) would be infinite


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
)
