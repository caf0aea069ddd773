"""Exponentials and logarithms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ..numbers.rounding import Array
from . import composed
from .powers import TABLE
from .record import ANY, POSITIVE, SMOOTH, Absent, Names, Operation, Writer

T = TypeVar("T")


def _scale_of_exp2(arrays: Sequence[Array], value: Array) -> Array:
    """exp(x ln 2): the error of the product is on its own scale."""
    return np.asarray(np.abs(value) * (1 + np.abs(arrays[0])))


def _exp2(of: Writer[T], x: T) -> T:
    return of("exp", of("mul", x, composed.LN_2))


def _log2(of: Writer[T], x: T) -> T:
    return of("mul", of("log", x), 1.0 / composed.LN_2)


EXPONENTIALS = (
    Operation(
        name="exp",
        meaning=np.exp,
        slopes=lambda x, v: [v],
        jumps=SMOOTH,
        rounds=1,
        domain=(ANY,),
        expansion=TABLE,
        unit="table",
        names=Names("nl.exp", "tl.exp({0})", "jnp.exp({0})"),
    ),
    Operation(
        name="exp2",
        meaning=composed.exp2,
        slopes=lambda x, v: [v * math.log(2)],
        jumps=SMOOTH,
        rounds=_scale_of_exp2,
        domain=(ANY,),
        expansion=_exp2,
        unit="table",
        names=Names(Absent("it is expanded"), "tl.exp2({0})", "jnp.exp2({0})"),
    ),
    Operation(
        name="log",
        meaning=np.log,
        slopes=lambda x, v: [1 / x[0]],
        jumps=SMOOTH,
        rounds=1,
        domain=(POSITIVE,),
        expansion=TABLE,
        unit="table",
        names=Names("nl.log", "tl.log({0})", "jnp.log({0})"),
    ),
    Operation(
        name="log2",
        meaning=composed.log2,
        slopes=lambda x, v: [1 / (x[0] * math.log(2))],
        jumps=SMOOTH,
        rounds=2,
        domain=(POSITIVE,),
        expansion=_log2,
        unit="table",
        names=Names(Absent("it is expanded"), "tl.log2({0})", "jnp.log2({0})"),
    ),
)
