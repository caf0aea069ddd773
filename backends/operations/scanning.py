"""Scans: the backends' half of each, and how they run.

A scan goes through its axis one element after the other, as the chips' instruction does: every step is rounded to f32 (a product
and then a sum, each on its own), so that its bits are the same however an execution cuts the other axes, along which all steps
are taken at once. A tree of partial sums would take fewer steps, and other roundings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tilery.dsl import functions

from ..numbers.rounding import Array
from .record import Absent
from .reductions import agree

Start = Callable[["np.dtype[Any]"], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Each element becomes what a reduction makes of those up to it, or the state of a recurrence there."""

    name: str
    """As in `dsl.functions.SCANS`."""
    ufunc: np.ufunc | Absent
    """What is accumulated, of one operand."""
    start: Start
    """What there is before the first element, in a type."""
    gathers: Literal["sum", "product", "extreme", "linear"]
    """How errors of the elements come together: as of the reduction of that kind, or as the recurrence passes them on."""

    @property
    def accumulated(self) -> np.ufunc:
        """What is accumulated, of a scan that has one operand."""
        assert not isinstance(self.ufunc, Absent), f"{self.name} accumulates nothing"
        return self.ufunc

    @property
    def rounds(self) -> bool:
        """Whether it adds rounding errors of its own."""
        return self.gathers != "extreme"


def _least(dtype: np.dtype[Any]) -> float:
    return -np.inf if dtype.kind == "f" else int(np.iinfo(np.int32).min)


def _most(dtype: np.dtype[Any]) -> float:
    return np.inf if dtype.kind == "f" else int(np.iinfo(np.int32).max)


SCANS: Mapping[str, Scan] = {
    each.name: each
    for each in (
        Scan(name="cumsum", ufunc=np.add, start=lambda dtype: 0, gathers="sum"),
        Scan(name="cumprod", ufunc=np.multiply, start=lambda dtype: 1, gathers="product"),
        Scan(name="cummax", ufunc=np.maximum, start=_least, gathers="extreme"),
        Scan(name="cummin", ufunc=np.minimum, start=_most, gathers="extreme"),
        Scan(name="scan", ufunc=Absent("a step takes two operations"), start=lambda dtype: 0, gathers="linear"),
    )
}
"""Every scan by its name in the language."""

agree(SCANS, functions.SCANS)


def scan(fn: str, operands: Sequence[Array], axis: int, exclusive: bool = False, reverse: bool = False) -> Array:
    """A scan along one numbered axis of operands that broadcast against each other; the start of `scan` has extent one there.

    Operands are in computing form; the result has the type of arithmetic on all of them.
    """
    dtype = _common(operands)
    start = operands[2] if len(operands) == 3 else np.asarray(SCANS[fn].start(dtype), dtype)
    forward = [np.flip(each, axis) if reverse else each for each in operands[:2]]
    with np.errstate(all="ignore"):
        if fn == "scan":
            factor, term = forward
            done = _recurrence(factor, term, start, axis, dtype)
        else:
            done = np.asarray(SCANS[fn].accumulated.accumulate(forward[0], axis=axis, dtype=dtype))
    if exclusive:
        done = _a_place_later(done, start, axis)
    return np.flip(done, axis) if reverse else done


def _common(operands: Sequence[Array]) -> np.dtype[Any]:
    floats = [each.dtype for each in operands if each.dtype.kind == "f"]
    return max(floats, key=lambda each: each.itemsize, default=np.dtype(np.int32))


def _recurrence(factor: Array, term: Array, start: Array, axis: int, dtype: np.dtype[Any]) -> Array:
    """`h[i] = factor[i] * h[i - 1] + term[i]`, for all positions of the other axes at once."""
    shape = np.broadcast_shapes(factor.shape, term.shape, start.shape)
    others = (*shape[:axis], *shape[axis + 1 :])
    steps, width = shape[axis], int(np.prod(others, dtype=np.int64))
    factors, terms = (np.moveaxis(np.broadcast_to(each, shape), axis, 0) for each in (factor, term))
    # One after the other in memory, what each step reads: a step is two additions' worth of work, and strides would cost more.
    factors, terms = (np.ascontiguousarray(each, dtype).reshape(steps, width) for each in (factors, terms))
    out = np.empty((steps, width), dtype)
    first = np.broadcast_to(start, (*shape[:axis], 1, *shape[axis + 1 :]))
    state = first.astype(dtype).reshape(width)
    for a, b, h in zip(factors, terms, out, strict=True):
        np.multiply(a, state, out=h)
        np.add(h, b, out=h)
        state = h
    return np.moveaxis(out.reshape(steps, *others), 0, axis)


def _a_place_later(done: Array, start: Array, axis: int) -> Array:
    """The same, with what there is before any element in the first place, and the last one gone."""
    moved = np.empty_like(done)
    along = np.moveaxis(moved, axis, 0)
    along[1:] = np.moveaxis(done, axis, 0)[:-1]
    along[:1] = np.moveaxis(np.broadcast_to(start, (*done.shape[:axis], 1, *done.shape[axis + 1 :])), axis, 0)
    return moved
