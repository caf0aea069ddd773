"""What each operation does to numpy arrays: the one place, for the emulator, the exact execution and the reference alike.

Arrays are in computing form (see `rounding`): float32, or float64 in the reference, int32 and bool. Integers wrap at 32
bits, `//` floors and `%` takes the sign of the divisor, as in Python, and dividing an integer by zero gives 0. Where float
and integer operands meet, integers become floats of the float operand's width. `min`, `max` and their reductions pass NaN
on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tilery.dsl.functions import FUNCTIONS

from ..numbers.axes import aligned, contract
from ..numbers.rounding import Array, cast, compute_dtype, numpy_dtype, rounded, to_compute, to_storage
from .record import Absent, Meaning
from .reductions import REDUCTIONS
from .scanning import scan
from .table import OPERATIONS

__all__ = [
    "ELEMENTWISE",
    "FLOAT_ONLY",
    "REDUCTION_UFUNCS",
    "Array",
    "aligned",
    "cast",
    "compute_dtype",
    "contract",
    "elementwise",
    "numpy_dtype",
    "operand_types",
    "promoted",
    "reduce",
    "rounded",
    "scan",
    "to_compute",
    "to_storage",
]

Function = Meaning

ELEMENTWISE: dict[str, Function] = {each.name: each.meaning for each in OPERATIONS.values()}
"""Every elementwise function, on operands that `promoted` has brought to one type. Warnings are the caller's to silence."""

FLOAT_ONLY = frozenset(name for name, each in FUNCTIONS.items() if each.gives == "float")
"""Functions whose result is a float whatever the operands are."""


def operand_types(fn: str, types: Sequence[np.dtype[Any]]) -> list[np.dtype[Any]]:
    """The types to which operands of `fn` are brought: one f32 (f64) or i32 for all, or bool for logic and conditions."""
    if fn == "where":
        return [_TRUTH, *operand_types("max", types[1:])] if _numeric(types[1:]) else [_TRUTH] * 3
    if FUNCTIONS[fn].gives == "logic":
        return [_TRUTH] * len(types)
    return [_common(fn, types)] * len(types)


_TRUTH = np.dtype(np.bool_)


def _numeric(types: Sequence[np.dtype[Any]]) -> bool:
    return any(each != _TRUTH for each in types)


def _common(fn: str, types: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    floats = [each for each in types if each.kind == "f"]
    if floats:
        return max(floats, key=lambda each: each.itemsize)
    if fn in FLOAT_ONLY:
        return np.dtype(np.float32)
    return _TRUTH if FUNCTIONS[fn].gives == "compare" and not _numeric(types) else np.dtype(np.int32)


def promoted(fn: str, arrays: Sequence[Array]) -> list[Array]:
    """Operands of `fn` brought to the types in which it works."""
    types = operand_types(fn, [each.dtype for each in arrays])
    return [_as(each, dtype) for each, dtype in zip(arrays, types, strict=True)]


def _as(x: Array, dtype: np.dtype[Any]) -> Array:
    return x if x.dtype == dtype else x.astype(dtype)


def elementwise(fn: str, arrays: Sequence[Array], out: Array | None = None) -> Array:
    """`fn` of arrays that broadcast against each other, in f32 or i32 (in f64 where an operand is f64).

    `out` has the result's shape and type and may be one of the operands. Warnings of floating point are silenced:
    0 / 0 is an answer, not an accident.
    """
    with np.errstate(all="ignore"):
        return np.asarray(ELEMENTWISE[fn](*promoted(fn, arrays), out=out))


REDUCTION_UFUNCS = {name: each.ufunc for name, each in REDUCTIONS.items() if not isinstance(each.ufunc, Absent)}
"""Those that are a ufunc's `reduce`, for callers with an `out=` and no axis of extent 0."""


def reduce(fn: str, x: Array, axis: tuple[int, ...]) -> Array:
    """`x` reduced by `fn` over the numbered axes, which the result no longer has; sums are in the type of `x`."""
    with np.errstate(all="ignore"):
        return REDUCTIONS[fn].meaning(x, axis)
