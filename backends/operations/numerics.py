"""What each operation does to numpy arrays: the one place, for the emulator, the exact execution and the reference alike.

Arrays are in computing form (see `rounding`): float32, or float64 in the reference, int32 and bool. Integers wrap at 32
bits, `//` floors and `%` takes the sign of the divisor, as in Python, and dividing an integer by zero gives 0. Where float
and integer operands meet, integers become floats of the float operand's width. `min`, `max` and their reductions pass NaN
on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tilery.dsl.functions import FUNCTIONS

from ..numbers.axes import aligned, contract
from ..numbers.rounding import Array, cast, compute_dtype, numpy_dtype, rounded, to_compute, to_storage
from . import composed
from .record import Meaning
from .table import OPERATIONS

__all__ = [
    "ELEMENTWISE",
    "FLOAT_ONLY",
    "REDUCTIONS",
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


REDUCTIONS: dict[str, Callable[[Array, tuple[int, ...]], Array]] = {
    "sum": _sum,
    "max": _extreme(np.maximum, -np.inf),
    "min": _extreme(np.minimum, np.inf),
    "mean": _mean,
    "prod": _prod,
    "any": lambda x, axis: np.asarray(np.logical_or.reduce(x, axis=axis)),
    "all": lambda x, axis: np.asarray(np.logical_and.reduce(x, axis=axis)),
    "argmax": _arg(np.argmax),
    "argmin": _arg(np.argmin),
}
"""Every reduction, by its name in the language."""

REDUCTION_UFUNCS: dict[str, np.ufunc] = {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "any": np.logical_or,
    "all": np.logical_and,
}
"""Those that are a ufunc's `reduce`, for callers with an `out=` and no axis of extent 0."""


def scan(fn: str, x: Array, axis: int) -> Array:
    """`cumsum` or `cummax` of `x` along one numbered axis, in its own type."""
    function = np.add if fn == "cumsum" else np.maximum
    with np.errstate(all="ignore"):
        return np.asarray(function.accumulate(x, axis=axis, dtype=x.dtype))


def reduce(fn: str, x: Array, axis: tuple[int, ...]) -> Array:
    """`x` reduced by `fn` over the numbered axes, which the result no longer has; sums are in the type of `x`."""
    with np.errstate(all="ignore"):
        return REDUCTIONS[fn](x, axis)
