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
from .written import expanded

T = TypeVar("T")


def _scale_of_exp2(arrays: Sequence[Array], value: Array) -> Array:
    """exp(x ln 2): the error of the product is on its own scale."""
    return np.asarray(np.abs(value) * (1 + np.abs(arrays[0])))


def _exp2(of: Writer[T], x: T) -> T:
    return of("exp", of("mul", x, composed.LN_2))


def _log2(of: Writer[T], x: T) -> T:
    return of("mul", of("log", x), 1.0 / composed.LN_2)


def _expm1(of: Writer[T], x: T) -> T:
    """tanh(x / 2) (exp(x) + 1), where nothing cancels."""
    return of("mul", of("tanh", of("mul", x, 0.5)), of("add", of("exp", x), 1.0))


def log1p(of: Writer[T], x: T) -> T:
    """log(u) x / (u - 1), u being 1 + x rounded: its error is in both and cancels (Higham, 2nd ed., section 1.14.1)."""
    rounded = of("add", x, 1.0)
    taken = of("sub", rounded, 1.0)
    itself = of("or", of("eq", taken, 0.0), of("eq", taken, math.inf))
    return of("where", itself, x, of("mul", of("log", rounded), of("mul", x, of("reciprocal", taken))))


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
    Operation(
        name="expm1",
        meaning=expanded(_expm1, np.expm1),
        slopes=lambda x, v: [v + 1],
        jumps=SMOOTH,
        rounds=2,
        domain=(ANY,),
        expansion=_expm1,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.expm1({0})", "jnp.expm1({0})"),
    ),
    Operation(
        name="log1p",
        meaning=expanded(log1p, np.log1p),
        slopes=lambda x, v: [1 / (1 + x[0])],
        jumps=SMOOTH,
        rounds=2,
        domain=((-0.9, 3.0),),
        expansion=log1p,
        unit="none",
        names=Names(Absent("it is expanded"), "libdevice.log1p({0})", "jnp.log1p({0})"),
    ),
)
