"""The steps that a program is compiled to: each a closure over slots of the frame, each one call of numpy or two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from tilery.dsl import program
from tilery.dsl.types import ElementType

from ..numbers.conditions import Condition
from ..numbers.integer_products import integer_matmul
from ..operations import numerics
from ..operations.numerics import Array
from .blas import add_product
from .frame import Frame, Step, seen_through
from .planning.masking import FalseParts, put

Part: TypeAlias = tuple[str, bool]
"""A tile axis by which a tensor is indexed, and whether it covers one position only; an empty name is a whole axis."""


def index_of(frame: Frame, parts: Sequence[Part]) -> tuple[Any, ...]:
    """What to index a tensor with in the current step; axes of one position are dropped."""
    # The ellipsis makes numpy give a view even where nothing but single positions is left.
    return (
        *[(frame.spans[name].start if one else frame.spans[name]) if name else (0 if one else _ALL) for name, one in parts],
        ...,
    )


_ALL = slice(None)


def load(tensor: str, parts: Sequence[Part], out: int) -> Step:
    """A view of a tensor."""

    def run(frame: Frame) -> None:
        frame.values[out] = frame.tensors[tensor][index_of(frame, parts)]

    return run


def renewed(tensor: str, copied: bool) -> Step:
    """From here on loads read a result as it is now, or as it comes to be."""

    def run(frame: Frame) -> None:
        frame.tensors[tensor] = frame.results[tensor].copy() if copied else frame.results[tensor]

    return run


def load_converted(tensor: str, parts: Sequence[Part], t: ElementType, out: int) -> Step:
    """A part of a tensor in storage type, brought to its computing form."""

    def run(frame: Frame) -> None:
        numerics.to_compute(frame.tensors[tensor][index_of(frame, parts)], t, frame.values[out])

    return run


def target(tensor: str, parts: Sequence[Part], out: int) -> Step:
    """A view of a result, for a step that computes right into it."""

    def run(frame: Frame) -> None:
        frame.values[out] = frame.results[tensor][index_of(frame, parts)]

    return run


def store(tensor: str, parts: Sequence[Part], t: ElementType, value: int) -> Step:
    """Writes a tile to a result, rounding to its type."""

    def run(frame: Frame) -> None:
        numerics.to_storage(frame.values[value], t, frame.results[tensor][index_of(frame, parts)])

    return run


def accumulate(tensor: str, parts: Sequence[Part], t: ElementType, value: int, fn: str) -> Step:
    """Adds a tile to a result, rounding to its type each time."""

    def run(frame: Frame) -> None:
        place = frame.results[tensor][index_of(frame, parts)]
        numerics.to_storage(numerics.elementwise(fn, [numerics.to_compute(place, t), frame.values[value]]), t, place)

    return run


def derived(source: int, view: Callable[[Array], Array], out: int) -> Step:
    """A view of an array that differs from step to step, or a copy made in each step where no view has the shape."""

    def run(frame: Frame) -> None:
        frame.values[out] = view(frame.values[source])

    return run


def derived_for_writing(source: int, view: Callable[[Array], Array], out: int) -> Step:
    """The same, of an array that is then written to: it must be a view."""

    def run(frame: Frame) -> None:
        frame.values[out] = seen_through(view, frame.values[source])

    return run


def scalar(parameter: str, out: int) -> Step:
    """A run-time scalar."""

    def run(frame: Frame) -> None:
        frame.values[out][...] = frame.scalars[parameter]

    return run


def positions(axis: str, out: int) -> Step:
    """The positions of a tile axis."""

    def run(frame: Frame) -> None:
        part = frame.spans[axis]
        frame.values[out][...] = np.arange(part.start, part.stop, dtype=np.int32)

    return run


def elementwise(fn: str, operands: Sequence[int], out: int) -> Step:
    """One function of up to three operands, already lined up."""
    function = numerics.ELEMENTWISE[fn]
    match operands:
        case [a]:
            return lambda frame: _run1(frame.values, function, a, out)
        case [a, b]:
            return lambda frame: _run2(frame.values, function, a, b, out)
        case _:
            return lambda frame: _run(frame.values, function, operands, out)


def _run1(values: list[Any], function: numerics.Function, a: int, out: int) -> None:
    function(values[a], out=values[out])


def _run2(values: list[Any], function: numerics.Function, a: int, b: int, out: int) -> None:
    function(values[a], values[b], out=values[out])


def _run(values: list[Any], function: numerics.Function, operands: Sequence[int], out: int) -> None:
    function(*[values[each] for each in operands], out=values[out])


def copy(source: int, out: int) -> Step:
    """A copy, converting between the computing forms."""

    def run(frame: Frame) -> None:
        if frame.values[source] is not frame.values[out]:
            np.copyto(frame.values[out], frame.values[source], casting="unsafe")

    return run


def cast(source: int, t: ElementType, out: int) -> Step:
    """Rounds to the grid of `t`; in place if the slots are the same."""

    def run(frame: Frame) -> None:
        numerics.cast(frame.values[source], t, frame.values[out])

    return run


def select(condition: Condition, view: Callable[[Array], Array], x: int, y: int, out: int, over_y: bool) -> Step:
    """`where` on a condition of positions: a copy of one side, or none at all, where the whole tile agrees.

    `out` may be the array of `x`, or, with `over_y`, that of `y`; `view` lines the mask up.
    """

    def run(frame: Frame) -> None:
        values = frame.values
        target = values[out]
        decided = condition.decide(frame.spans)
        base, other = (values[y], values[x]) if over_y else (values[x], values[y])
        if decided is not None:
            base = values[x] if decided else values[y]
        if base is not target:
            np.copyto(target, base)
        if decided is None and other.size == 1 and target.ndim > 1 and not over_y:
            put(target, other, known.parts(frame.spans, target.shape))
        elif decided is None:
            mask = view(condition.mask(frame.spans))
            np.copyto(target, other, where=mask if over_y else ~mask)

    known = FalseParts(condition, view)
    return run


def reduction(ufunc: np.ufunc, axes: tuple[int, ...], x: int, out: int) -> Step:
    """Reduces along axes."""

    def run(frame: Frame) -> None:
        ufunc.reduce(frame.values[x], axis=axes, out=frame.values[out])

    return run


def reduction_by_name(fn: str, axes: tuple[int, ...], x: int, out: int) -> Step:
    """Reduces along axes by the plain definition, which allocates."""

    def run(frame: Frame) -> None:
        np.copyto(frame.values[out], numerics.reduce(fn, frame.values[x], axes), casting="unsafe")

    return run


def from_start_of(axis: str, out: int) -> Step:
    """Positions within the tile of an axis made positions of its dimension."""

    def run(frame: Frame) -> None:
        frame.values[out] += frame.spans[axis].start

    return run


def scan(op: program.Scan, axis: int, operands: Sequence[int], out: int) -> Step:
    """A scan along one axis, which all arrays have."""

    def run(frame: Frame) -> None:
        given = [frame.values[each] for each in operands]
        np.copyto(frame.values[out], numerics.scan(op.fn, given, axis, op.exclusive, op.reverse), casting="unsafe")

    return run


def product(a: int, b: int, out: int) -> Step:
    """A stack of matrix products."""

    def run(frame: Frame) -> None:
        values = frame.values
        with frame.gate:
            np.matmul(values[a], values[b], values[out])

    return run


def integer_product(a: int, b: int, out: int) -> Step:
    """A stack of matrix products of integers, which wrap."""

    def run(frame: Frame) -> None:
        values = frame.values
        with frame.gate:
            integer_matmul(values[a], values[b], values[out])

    return run


def inner(a: int, b: int, out: int) -> Step:
    """Inner products along the last axis."""

    def run(frame: Frame) -> None:
        values = frame.values
        with frame.gate:
            np.vecdot(values[a], values[b], values[out])

    return run


def accumulated_product(a: int, b: int, spare: int, total: int, fresh: int) -> Step:
    """`total += a @ b`; the first time, marked by the slot `fresh`, without the zeros."""

    def run(frame: Frame) -> None:
        values = frame.values
        with frame.gate:
            if values[fresh]:
                np.matmul(values[a], values[b], values[total])
                values[fresh] = False
            else:
                add_product(values[a], values[b], values[total], values[spare])

    return run


def accumulated_integer_product(a: int, b: int, spare: int, total: int, fresh: int) -> Step:
    """The same of integers."""

    def run(frame: Frame) -> None:
        values = frame.values
        with frame.gate:
            if values[fresh]:
                integer_matmul(values[a], values[b], values[total])
                values[fresh] = False
            else:
                np.add(values[total], integer_matmul(values[a], values[b], values[spare]), values[total])

    return run


def cuts(extent: int, size: int) -> list[slice]:
    """A dimension cut into parts of `size`, the last one shorter."""
    edges = [*range(0, extent, max(1, size)), extent]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def mark(slot: int) -> Step:
    """Sets a flag."""

    def run(frame: Frame) -> None:
        frame.values[slot] = True

    return run


def zero_if_marked(slot: int, out: int) -> Step:
    """Zeros, if the flag is set."""

    def run(frame: Frame) -> None:
        if frame.values[slot]:
            frame.values[slot] = False
            frame.values[out][...] = 0

    return run
