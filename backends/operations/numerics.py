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

from ..numbers.axes import aligned, contract
from ..numbers.rounding import Array, cast, compute_dtype, numpy_dtype, rounded, to_compute, to_storage
from . import composed
from .erf import erf

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

Function = Callable[..., Array]
"""Operands of one type, then `out=`, which may be None; gives `out` or a new array."""


def _where(condition: Array, x: Array, y: Array, out: Array | None = None) -> Array:
    if out is None:
        return np.where(condition, x, y)
    # Two copies, not np.where: it has no `out`. The first must not overwrite an operand that the second reads.
    if np.may_share_memory(out, x) or np.may_share_memory(out, condition):
        np.copyto(out, np.where(condition, x, y))
    else:
        np.copyto(out, y)
        np.copyto(out, x, where=condition)
    return out


def _clamp(x: Array, low: Array, high: Array, out: Array | None = None) -> Array:
    return np.minimum(np.maximum(x, low, out=out), high, out=out)


def _to_whole(function: np.ufunc) -> Function:
    """`floor`, `ceil` or `round`; whole numbers are passed on in their own type."""

    def applied(x: Array, out: Array | None = None) -> Array:
        return np.asarray(function(x, out=out) if x.dtype.kind == "f" else np.positive(x, out=out))

    return applied


def _power(x: Array, y: Array, out: Array | None = None) -> Array:
    if y.size == 1 and y.flat[0] == 2:  # np.power takes ten times as long
        return np.multiply(x, x, out=out)
    if x.dtype.kind == "f":
        return np.asarray(np.power(x, y, out=out))
    # A negative exponent leaves nothing of a whole number but of 1 and -1, whose powers repeat.
    powers = np.power(x, np.where(y < 0, y & 1, y))
    return _where((y < 0) & (np.absolute(x) != 1), powers.dtype.type(0), powers, out)


_ARITHMETIC: dict[str, Function] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": _power,
    "neg": np.negative,
    "min": np.minimum,
    "max": np.maximum,
    "abs": np.absolute,
    "floor": _to_whole(np.floor),
    "ceil": _to_whole(np.ceil),
    "round": _to_whole(np.rint),
    "clamp": _clamp,
}
FLOAT_ONLY: dict[str, Function] = {
    "div": composed.divide,
    "exp": np.exp,
    "exp2": composed.exp2,
    "log": np.log,
    "log2": composed.log2,
    "sqrt": np.sqrt,
    "rsqrt": composed.rsqrt,
    "reciprocal": np.reciprocal,
    "tanh": np.tanh,
    "sigmoid": composed.sigmoid,
    "erf": erf,
    "sin": np.sin,
    "cos": np.cos,
}
"""Functions whose result is a float whatever the operands are."""

_COMPARISONS: dict[str, Function] = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
_LOGIC: dict[str, Function] = {"and": np.logical_and, "or": np.logical_or, "not": np.logical_not}

ELEMENTWISE: dict[str, Function] = {**_ARITHMETIC, **FLOAT_ONLY, **_COMPARISONS, **_LOGIC, "where": _where}
"""Every elementwise function, on operands that `promoted` has brought to one type. Warnings are the caller's to silence."""


def operand_types(fn: str, types: Sequence[np.dtype[Any]]) -> list[np.dtype[Any]]:
    """The types to which operands of `fn` are brought: one f32 (f64) or i32 for all, or bool for logic and conditions."""
    if fn == "where":
        return [_TRUTH, *operand_types("max", types[1:])] if _numeric(types[1:]) else [_TRUTH] * 3
    if fn in _LOGIC:
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
    return _TRUTH if fn in _COMPARISONS and not _numeric(types) else np.dtype(np.int32)


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
