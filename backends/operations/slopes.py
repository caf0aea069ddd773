"""How strongly an elementwise function passes an error of each operand on: the magnitudes of its partial derivatives.

Where a function has a jump (`floor`, comparisons), the slope is that of the pieces: an error that crosses a jump is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .numerics import Array

Slopes = Callable[[Sequence[Array], Array], Sequence[Array | float]]
"""Given the operands and the function's value, a factor for each operand."""


def _chosen(arrays: Sequence[Array], value: Array) -> Sequence[Array]:
    """`min`, `max`, `clamp`: the operand that the value is."""
    return [each == value for each in arrays]


def _pow(arrays: Sequence[Array], value: Array) -> Sequence[Array]:
    base, exponent = arrays
    return [exponent * np.power(base, exponent - 1.0), value * np.log(np.abs(base))]


def _where(arrays: Sequence[Array], value: Array) -> Sequence[Array | float]:
    condition = arrays[0].astype(bool)
    return [0.0, condition.astype(np.float64), (~condition).astype(np.float64)]


SLOPES: dict[str, Slopes] = {
    "add": lambda x, v: [1.0, 1.0],
    "sub": lambda x, v: [1.0, -1.0],
    "mul": lambda x, v: [x[1], x[0]],
    "div": lambda x, v: [1 / x[1], -v / x[1]],
    "mod": lambda x, v: [1.0, -np.floor_divide(x[0], x[1])],
    "pow": _pow,
    "neg": lambda x, v: [-1.0],
    "abs": lambda x, v: [1.0],
    "min": _chosen,
    "max": _chosen,
    "clamp": _chosen,
    "where": _where,
    "exp": lambda x, v: [v],
    "exp2": lambda x, v: [v * math.log(2)],
    "log": lambda x, v: [1 / x[0]],
    "log2": lambda x, v: [1 / (x[0] * math.log(2))],
    "sqrt": lambda x, v: [0.5 / v],
    "rsqrt": lambda x, v: [-0.5 * v / x[0]],
    "reciprocal": lambda x, v: [-v * v],
    "tanh": lambda x, v: [1 - v * v],
    "sigmoid": lambda x, v: [v * (1 - v)],
    "erf": lambda x, v: [2 / math.sqrt(math.pi) * np.exp(-x[0] * x[0])],
    "sin": lambda x, v: [np.cos(x[0])],
    "cos": lambda x, v: [np.sin(x[0])],
}
"""Functions that pass errors on; every other is constant between its jumps."""

EXACT = frozenset({"neg", "abs", "min", "max", "clamp", "where", "floor", "ceil", "round", "floordiv", "mod"})
"""Functions that add no rounding error of their own."""


def slopes(fn: str, arrays: Sequence[Array], value: Array) -> Sequence[Array | float]:
    """The factor with which `fn` passes an error of each operand on, where its value is `value`."""
    return SLOPES[fn](arrays, value) if fn in SLOPES else [0.0] * len(arrays)


def rounding_scale(fn: str, arrays: Sequence[Array], value: Array) -> Array:
    """What the rounding unit is to be multiplied with for the error that `fn` itself adds."""
    match fn:
        case "div" | "rsqrt" | "sigmoid" | "log2":  # composed of others: each rounds once more
            return 2 * np.abs(value)
        case "exp2":  # exp(x ln 2): the error of the product is on its own scale
            return np.asarray(np.abs(value) * (1 + np.abs(arrays[0])))
        case "pow":  # exp(y log x): the error of the exponent is on its own scale
            return np.asarray(np.abs(value) * (1 + np.abs(arrays[1] * np.log(np.abs(arrays[0])))))
        case _:
            return np.abs(value)
