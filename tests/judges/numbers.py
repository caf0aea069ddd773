"""Numbers as the language has them, one at a time, in Python's own arithmetic: float, int and bool.

A float is a Python float that lies on the grid of its type. Each function gives the exact value, or double's; whoever calls
rounds it, once, to the type of the result: that is what "in f32" means for `+ - * /` and `sqrt`, and the best there can be for
the rest.
Integers wrap at the width of their type, and no operation on them fails: what has no answer gives 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from math import inf, isfinite, isinf, isnan, nan

Number = float | int | bool

FLOATS: dict[str, tuple[int, int, int]] = {
    "f32": (24, -126, 127),
    "bf16": (8, -126, 127),
    "f16": (11, -14, 15),
    "f8e4m3": (4, -6, 7),
    "f8e4m3fn": (4, -6, 8),
    "f8e5m2": (3, -14, 15),
}
"""Bits of the significand, and the least and the greatest exponent of a normal number."""
INTEGERS: dict[str, tuple[int, bool]] = {"i32": (32, True), "i16": (16, True), "i8": (8, True), "u8": (8, False)}
INTEGERS |= {"u16": (16, False), "i4": (4, True), "u4": (4, False)}
"""Bits, and whether there is a sign."""


def as_type(x: Number, name: str) -> Number:
    """`x` as an element of a type: what a cast and a store do."""
    if name in FLOATS:
        return rounded(float(x) if isinstance(x, float) else rounded(float(x), "f32"), name)
    if name == "bool":
        return x != 0
    bits, signed = INTEGERS[name]
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if not isinstance(x, float):
        return (int(x) - low) % (1 << bits) + low  # its low bits
    if isnan(x):
        return 0
    return (high if x > 0 else low) if isinf(x) else min(max(round(x), low), high)


def rounded(x: float, name: str) -> float:
    """The number of a float type nearest to `x`, of two the even one; beyond the largest an infinity."""
    if x == 0 or not isfinite(x):
        return nan if isinf(x) and name == "f8e4m3fn" else x
    bits, least, greatest = FLOATS[name]
    exponent = max(math.frexp(x)[1] - 1, least)
    step = math.ldexp(1.0, exponent - bits + 1)
    whole = round(x / step)  # exact: a power of two; and Python rounds halves to even
    if name == "f8e4m3fn" and abs(whole) * step > 448:
        return nan
    if abs(whole) * step > (2.0 - 2.0 ** (1 - bits)) * 2.0**greatest:
        return math.copysign(inf, x)
    return math.copysign(abs(whole) * step, x)


def wrapped(x: int) -> int:
    """A whole number at 32 bits."""
    return (x + 2**31) % 2**32 - 2**31


def lowest_bit(x: float) -> float:
    """The largest power of two that divides a number other than 0."""
    top, bottom = x.as_integer_ratio()
    return (top & -top) / bottom


# --- functions of floats ----------------------------------------------------------------------------------------------


def quotient(x: float, y: float) -> float:
    """`x / y` as IEEE 754 has it."""
    if y != 0 or isnan(x):
        return x / y if y != 0 else nan
    return nan if x == 0 else math.copysign(inf, x) * math.copysign(1.0, y)


def remainder(x: float, y: float) -> float:
    """`x % y`, of the sign of `y`."""
    if isnan(x) or isnan(y) or isinf(x) or y == 0:
        return nan
    found = math.fmod(x, y)
    if found == 0:
        return math.copysign(0.0, y)
    return found + y if (found < 0) != (y < 0) else found


def floor_quotient(x: float, y: float) -> float:
    """`x // y`."""
    if y == 0:
        return quotient(x, y)
    return nan if isnan(x) or isnan(y) or isinf(x) else float(x // y)


def power(x: float, y: float) -> float:
    """`x ** y` as C's `pow`."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -inf if x < 0 and y % 2 == 1 else inf
    except ValueError:
        if x != 0:
            return nan
        return math.copysign(inf, x) if y % 2 == 1 else inf


def larger(x: float, y: float) -> float:
    """The larger one; NaN if either is."""
    return nan if isnan(x) or isnan(y) else max(x, y)


def smaller(x: float, y: float) -> float:
    """The smaller one; NaN if either is."""
    return nan if isnan(x) or isnan(y) else min(x, y)


def _guarded(function: Callable[[float], float], overflow: float = inf) -> Callable[[float], float]:
    def applied(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return overflow
        except ValueError:
            return nan

    return applied


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: -inf if x == 0 else _guarded(function)(x)


def _sigmoid(x: float) -> float:
    small = math.exp(-abs(x))
    return small / (1 + small) if x < 0 else 1 / (1 + small)


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda x: math.copysign(float(function(x)), x) if isfinite(x) else x


OF_FLOATS: dict[str, Callable[..., float]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": quotient,
    "floordiv": floor_quotient,
    "mod": remainder,
    "pow": power,
    "neg": lambda x: -x,
    "abs": abs,
    "min": smaller,
    "max": larger,
    "clamp": lambda x, low, high: smaller(larger(x, low), high),
    "floor": _whole(math.floor),
    "ceil": _whole(math.ceil),
    "round": _whole(round),
    "exp": _guarded(math.exp),
    "exp2": _guarded(math.exp2),
    "log": _logarithm(math.log),
    "log2": _logarithm(math.log2),
    "sqrt": lambda x: x if x == 0 else _guarded(math.sqrt)(x),
    "rsqrt": lambda x: quotient(1.0, x) if x == 0 else quotient(1.0, _guarded(math.sqrt)(x)),
    "reciprocal": lambda x: quotient(1.0, x),
    "tanh": math.tanh,
    "sigmoid": _sigmoid,
    "erf": math.erf,
    "sin": _guarded(math.sin),
    "cos": _guarded(math.cos),
    "hypot": math.hypot,
    "expm1": _guarded(math.expm1),
    "log1p": lambda x: -inf if x == -1 else _guarded(math.log1p)(x),
    "tan": _guarded(math.tan),
    "atan": math.atan,
    "atan2": math.atan2,
    "sinh": lambda x: _guarded(math.sinh, math.copysign(inf, x))(x),
    "cosh": _guarded(math.cosh),
    "asinh": math.asinh,
    "acosh": _guarded(math.acosh),
    "atanh": lambda x: math.copysign(inf, x) if abs(x) == 1 else _guarded(math.atanh)(x),
    "sign": lambda x: math.copysign(1.0, x) if x and not isnan(x) else x,
    "cbrt": _guarded(math.cbrt),
}
"""Every arithmetic function, of floats."""

EXACT = frozenset(
    ["add", "sub", "mul", "neg", "abs", "min", "max", "clamp", "floor", "ceil", "round", "where", "floordiv", "mod", "sign"]
)
"""Functions of which every execution gives the same bits where the result needs no rounding."""


# --- functions of integers --------------------------------------------------------------------------------------------


def _integer_power(x: int, y: int) -> int:
    if y < 0:  # nothing is left of a whole number but of 1 and -1
        return x ** (y % 2) if abs(x) == 1 else 0
    return pow(x, y, 2**32)


def threefry(i: int, j: int, seed: int, stream: int) -> int:
    """The first word of Threefry-2x32 with 20 rounds, as the paper's recurrences have it (SC 2011, section 3.3)."""
    modulus = 1 << 32
    x0, x1, k0, k1 = (each % modulus for each in (i, j, seed, stream))
    keys = [k0, k1, 0x1BD11BDA ^ k0 ^ k1]
    rotations = [13, 15, 26, 6, 17, 29, 16, 24]
    x0, x1 = (x0 + k0) % modulus, (x1 + k1) % modulus
    for number in range(20):
        x0 = (x0 + x1) % modulus
        turned = x1 << rotations[number % 8]
        x1 = (turned % modulus | turned // modulus) ^ x0
        if (number + 1) % 4 == 0:
            block = (number + 1) // 4
            x0 = (x0 + keys[block % 3]) % modulus
            x1 = (x1 + keys[(block + 1) % 3] + block) % modulus
    return x0


OF_INTEGERS: dict[str, Callable[..., int]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "floordiv": lambda x, y: x // y if y else 0,
    "mod": lambda x, y: x % y if y else 0,
    "pow": _integer_power,
    "neg": lambda x: -x,
    "abs": abs,
    "min": min,
    "max": max,
    "clamp": lambda x, low, high: min(max(x, low), high),
    "floor": lambda x: x,
    "ceil": lambda x: x,
    "round": lambda x: x,
    "sign": lambda x: (x > 0) - (x < 0),
    "bit_and": lambda x, y: x & y,
    "bit_or": lambda x, y: x | y,
    "bit_xor": lambda x, y: x ^ y,
    "random_bits": threefry,
    "bit_not": lambda x: ~x,
    "shift_left": lambda x, y: x << y if 0 <= y < 32 else 0,
    "shift_right": lambda x, y: x >> y if 0 <= y < 32 else -(x < 0),
}
"""The same of integers; whoever calls wraps the result."""

COMPARISONS: dict[str, Callable[..., bool]] = {
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "isnan": lambda x: isnan(x),
    "isinf": lambda x: isinf(x),
}
LOGIC: dict[str, Callable[..., bool]] = {
    "and": lambda x, y: bool(x and y),
    "or": lambda x, y: bool(x or y),
    "not": lambda x: not x,
}
