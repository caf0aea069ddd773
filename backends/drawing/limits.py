"""A declared range as numbers of the argument's element type."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, inf, isinf

import numpy as np

from tilery.dsl.check.ranges import HELD
from tilery.dsl.errors import UsageError
from tilery.dsl.program import Range, ScalarParameter, Tensor
from tilery.dsl.types import ElementType

from ..numbers.rounding import largest_and_smallest, to_compute, to_storage


def limits_of(parameter: Tensor | ScalarParameter, dims: Mapping[str, int]) -> tuple[float, float] | None:
    """Least and greatest value of an argument with a declared range, both included; None without one.

    Limits are rounded to the type, so that `in 0..0.1` holds the 0.1 of any type. Raises UsageError where the type holds
    nothing of the range.
    """
    t = parameter.dtype
    if parameter.range is None or not isinstance(t, ElementType) or t.kind == "bool":
        return None
    low, high = parameter.range.limits(dims)
    first, last = _floats(low, high, t) if t.kind == "float" else _integers(low, high, t)
    if first > last:
        raise UsageError(f"`{parameter.name} in {_range_text(parameter.range, low, high)}`: no number of type {t} lies in it")
    return first, last


def _range_text(range: Range, low: float, high: float) -> str:
    numbers = f"{low:g}..{high:g}"
    return str(range) if str(range) == numbers else f"{range} = {numbers}"


def _integers(low: float, high: float, t: ElementType) -> tuple[float, float]:
    least, most = HELD[t.name]
    return least if isinf(low) else max(least, ceil(low)), most if isinf(high) else min(most, floor(high))


def _floats(low: float, high: float, t: ElementType) -> tuple[float, float]:
    largest, _ = largest_and_smallest(t)
    if largest < low < inf or -inf < high < -largest:
        return inf, -inf
    first = low if isinf(low) else _rounded(max(low, -largest), t)
    return first, high if isinf(high) else _rounded(min(high, largest), t)


def _rounded(limit: float, t: ElementType) -> float:
    return float(to_compute(to_storage(np.array([limit]), t), t)[0])
