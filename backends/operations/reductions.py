"""Reductions: the backends' half of each, one record that holds what executing and judging it takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from tilery.dsl import functions

from ..numbers.rounding import Array
from . import composed
from .record import Absent

Gathers = Literal["sum", "mean", "product", "extreme", "place", "one"]
"""How errors of the elements come together: added up, the same over their number, relative ones added up, the largest of them;
`place` gives where an element stands, which errors move as far as another element that is as good; `one` takes an element with
its error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """Many elements become one."""

    name: str
    """As in `dsl.functions.REDUCTIONS`."""
    meaning: Callable[[Array, tuple[int, ...]], Array]
    """What it makes of an array over numbered axes."""
    ufunc: np.ufunc | Absent
    """Whose `reduce` it is, for callers with an `out=` and no axis of extent 0."""
    gathers: Gathers
    """How errors of the elements come together, and which of its own it adds."""

    def __post_init__(self) -> None:
        if any(getattr(self, each.name) is None for each in fields(self)):
            raise TypeError(f"the record of `{self.name}` lacks a part")

    @property
    def rounds(self) -> bool:
        """Whether it adds rounding errors of its own."""
        return self.gathers in ("sum", "mean", "product")


def _arg(function: Callable[..., Any]) -> Callable[[Array, tuple[int, ...]], Array]:
    """Position of the first extreme element along one axis: of the first NaN if there is one."""

    def reduced(x: Array, axis: tuple[int, ...]) -> Array:
        (along,) = axis
        return np.asarray(function(x, axis=along), np.int32)

    return reduced


def _mean(x: Array, axis: tuple[int, ...]) -> Array:
    count = np.prod([x.shape[each] for each in axis])
    total = _sum(x if x.dtype.kind == "f" else x.astype(np.float32), axis)
    return composed.divide(total, np.asarray(total.dtype.type(count)))


def _sum(x: Array, axis: tuple[int, ...]) -> Array:
    return np.asarray(np.add.reduce(x, axis=axis, dtype=x.dtype if x.dtype.kind != "b" else np.int32))


def _prod(x: Array, axis: tuple[int, ...]) -> Array:
    return np.asarray(np.multiply.reduce(x, axis=axis, dtype=x.dtype if x.dtype.kind != "b" else np.int32))


def _extreme(function: np.ufunc, empty: float) -> Callable[[Array, tuple[int, ...]], Array]:
    """`min` or `max`; over no elements the identity: an infinity, or the end of the integers' range."""

    def reduced(x: Array, axis: tuple[int, ...]) -> Array:
        if all(x.shape[each] for each in axis):
            return np.asarray(function.reduce(x, axis=axis))
        limits = np.iinfo(np.int32)
        identity = empty if x.dtype.kind == "f" else (limits.min if empty < 0 else limits.max)
        return np.asarray(function.reduce(x, axis=axis, initial=x.dtype.type(identity)))

    return reduced


def _end(place: int) -> Callable[[Array, tuple[int, ...]], Array]:
    """The element at one end of every axis; of an axis without positions there is none, and 0 stands for it."""

    def reduced(x: Array, axis: tuple[int, ...]) -> Array:
        if not all(x.shape[each] for each in axis):
            return np.zeros([extent for each, extent in enumerate(x.shape) if each not in axis], x.dtype)
        return x[tuple(place if each in axis else slice(None) for each in range(x.ndim))]

    return reduced


def _logic(function: np.ufunc) -> Callable[[Array, tuple[int, ...]], Array]:
    return lambda x, axis: np.asarray(function.reduce(x, axis=axis))


REDUCTIONS: Mapping[str, Reduction] = {
    each.name: each
    for each in (
        Reduction(name="sum", meaning=_sum, ufunc=np.add, gathers="sum"),
        Reduction(name="max", meaning=_extreme(np.maximum, -np.inf), ufunc=np.maximum, gathers="extreme"),
        Reduction(name="min", meaning=_extreme(np.minimum, np.inf), ufunc=np.minimum, gathers="extreme"),
        Reduction(name="mean", meaning=_mean, ufunc=Absent("it divides at last"), gathers="mean"),
        Reduction(name="prod", meaning=_prod, ufunc=np.multiply, gathers="product"),
        Reduction(name="any", meaning=_logic(np.logical_or), ufunc=np.logical_or, gathers="extreme"),
        Reduction(name="all", meaning=_logic(np.logical_and), ufunc=np.logical_and, gathers="extreme"),
        Reduction(name="argmax", meaning=_arg(np.argmax), ufunc=Absent("it looks at places"), gathers="place"),
        Reduction(name="argmin", meaning=_arg(np.argmin), ufunc=Absent("it looks at places"), gathers="place"),
        Reduction(name="first", meaning=_end(0), ufunc=Absent("it takes one element"), gathers="one"),
        Reduction(name="last", meaning=_end(-1), ufunc=Absent("it takes one element"), gathers="one"),
    )
}
"""Every reduction by its name in the language."""


def agree(records: Mapping[str, object], names: Collection[str]) -> None:
    """Raises TypeError unless there is one record for each name of the language."""
    for name in {*names} ^ records.keys():
        raise TypeError(f"`{name}` stands in one of dsl/functions.py and its backends' half, and not in the other")


agree(REDUCTIONS, functions.REDUCTIONS)
