"""Scans: the backends' half of each, and how they run.

A scan goes through its axis one element after the other, as the chips' instruction does: every step is rounded to f32 (a product
and then a sum, each on its own), so that its bits are the same however an execution cuts the other axes, along which all steps
are taken at once. A tree of partial sums would take fewer steps, and other roundings.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tilery.dsl import functions

from ..numbers.rounding import Array
from .record import Absent
from .reductions import agree

_BLOCK = 1 << 19
"""Elements whose steps are taken together: what they read and write then stays in the second level cache."""
_FEW = 4
"""Rows up to which Python is quicker than a call of numpy for every step."""

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
    result = np.empty(shape, dtype)
    thin = (*shape[:axis], 1, *shape[axis + 1 :])
    factors, terms, out = (np.moveaxis(each, axis, 0) for each in (*_spread(shape, factor, term), result))
    state = np.moveaxis(np.broadcast_to(start, thin), axis, 0)[0].astype(dtype)
    step = out.shape[1] if out.ndim > 1 else 1
    if result.size > _BLOCK:
        step = max(1, step * _BLOCK // result.size)
    for first in range(0, out.shape[1], step) if out.ndim > 1 else (0,):
        part = (slice(None), slice(first, first + step))[: out.ndim]
        out[part] = _steps(factors[part], terms[part], state[part[1:]], dtype)
    return result


def _spread(shape: tuple[int, ...], *operands: Array) -> list[Array]:
    return [np.broadcast_to(each, shape) for each in operands]


def _steps(factors: Array, terms: Array, state: Array, dtype: np.dtype[Any]) -> Array:
    """All steps of some rows; the scanned axis comes first."""
    length, width = factors.shape[0], state.size
    # One after the other in memory, what each step reads: steps over strides would cost more than the copy.
    a, b = (np.ascontiguousarray(each, dtype).reshape(length, width) for each in (factors, terms))
    out = np.empty((length, width), dtype)
    if width <= _FEW and dtype.kind == "f":
        for row, first in enumerate(state.ravel().tolist()):
            out[:, row] = _in_python(a[:, row], b[:, row], first)
        return out.reshape(factors.shape)
    before = state.reshape(width)
    for factor, term, h in zip(a, b, out, strict=True):
        np.multiply(factor, before, out=h)
        np.add(h, term, out=h)
        before = h
    return out.reshape(factors.shape)


def _in_python(factors: Array, terms: Array, state: float) -> array[float]:
    """One row, number by number: a call of numpy takes the time of some ten of them.

    A product or a sum of two f32 in the float64 of Python, rounded to f32, is their product or sum in f32 (Figueroa, When is
    double rounding innocuous?, 1995): 53 bits are more than twice 24 and two.
    """
    zeros = [0.0] * len(factors)
    out, product = (
        (array("f", zeros), array("f", [0.0])) if factors.dtype == np.float32 else (array("d", zeros), array("d", [0.0]))
    )
    for place, (a, b) in enumerate(zip(factors.tolist(), terms.tolist(), strict=True)):
        product[0] = a * state
        out[place] = product[0] + b
        state = out[place]
    return out


def _a_place_later(done: Array, start: Array, axis: int) -> Array:
    """The same, with what there is before any element in the first place, and the last one gone."""
    moved = np.empty_like(done)
    along = np.moveaxis(moved, axis, 0)
    along[1:] = np.moveaxis(done, axis, 0)[:-1]
    along[:1] = np.moveaxis(np.broadcast_to(start, (*done.shape[:axis], 1, *done.shape[axis + 1 :])), axis, 0)
    return moved
