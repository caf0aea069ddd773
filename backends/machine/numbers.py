"""Arithmetic for numbers of one configuration, or for arrays with a number for each of many configurations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

Number: TypeAlias = Any
"""An int or a float; or an array of them, an element a configuration."""


def ceil_div(value: Number, step: Number) -> Number:
    """How many steps cover `value`."""
    return -(-value // step)


def larger(a: Number, b: Number) -> Number:
    """The larger one, element by element for arrays."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.maximum(a, b)
    return max(a, b)


def smaller(a: Number, b: Number) -> Number:
    """The smaller one, element by element for arrays."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.minimum(a, b)
    return min(a, b)


def product(values: Iterable[Number]) -> Number:
    """The product; 1 of nothing."""
    result: Number = 1
    for value in values:
        result = result * value
    return result


def in_pieces(extent: Number, limit: int, least: Number) -> Number:
    """The cost of `extent` in pieces of `limit` and a shorter last one. A piece costs its length, but at least `least`."""
    rest = extent % limit
    whole = (extent - rest) // limit * larger(limit, least)
    return whole + (rest > 0) * larger(rest, least)
