"""Whether the arguments of a call lie in the ranges that the signature declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilery.backends.drawing import limits_of
from tilery.dsl import program
from tilery.dsl.errors import UsageError

MOST_ELEMENTS = 1 << 16
"""A plain call checks arrays of up to so many elements, which takes 20 us at most. `check` and `reference` check all."""
MOST_NARROW = 1 << 11
"""The same for bf16 and fp8, whose elements numpy compares one at a time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The range of one argument, both ends included."""

    low: float
    high: float
    text: str
    """The range as a message names it."""


def limits(kernel: program.Program, dims: Mapping[str, int]) -> dict[str, Limits]:
    """The limits of every argument with a declared range."""
    found: dict[str, Limits] = {}
    for each in kernel.signature.data:
        ends = limits_of(each, dims)
        if ends is not None:
            numbers = f"{ends[0]:.10g}..{ends[1]:.10g}"
            text = f"{each.range}" if str(each.range) == numbers else f"{each.range}, here {numbers}"
            found[each.name] = Limits(*ends, text)
    return found


def check_within(limits: Mapping[str, Limits], arguments: Mapping[str, NDArray[Any] | float], whole: bool = False) -> None:
    """Raises UsageError for the first value outside its range, with its place. NaN lies in no range.

    Arrays of more than `MOST_ELEMENTS` elements (`MOST_NARROW` of narrow floats) are skipped unless `whole`.
    """
    for name, each in limits.items():
        value = arguments[name]
        if isinstance(value, np.ndarray):
            if whole or value.size <= (MOST_NARROW if value.dtype.kind == "V" else MOST_ELEMENTS):
                _check_array(name, value, each)
        elif not each.low <= np.float32(value) <= each.high:
            raise UsageError(f"`{name}` is {value:g}, outside its range {each.text}")


def check_distinct(signature: program.Signature, arguments: Mapping[str, NDArray[Any] | float], whole: bool = False) -> None:
    """Raises UsageError for an argument declared `distinct` that has a number twice; large arrays are skipped unless `whole`."""
    for each in signature.tensors:
        value = arguments[each.name] if each.distinct else None
        if isinstance(value, np.ndarray) and (whole or value.size <= MOST_ELEMENTS):
            numbers, counts = np.unique(value, return_counts=True)
            if (counts > 1).any():
                twice = numbers[counts > 1][0]
                raise UsageError(f"`{each.name}` is declared `distinct`, and has {twice} more than once")


def _check_array(name: str, array: NDArray[Any], limits: Limits) -> None:
    # NaN makes both comparisons false.
    if not array.size or (limits.low <= array.min() and array.max() <= limits.high):
        return
    wide = array.astype(np.float64)
    index = np.argwhere(~((wide >= limits.low) & (wide <= limits.high)))[0]
    place = ", ".join(map(str, index))
    raise UsageError(f"`{name}` is {wide[tuple(index)]:g} at [{place}], outside its range {limits.text}")
