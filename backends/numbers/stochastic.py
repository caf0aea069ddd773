"""Stochastic rounding: up or down with the probability that leaves the expectation where it was.

Between two neighbours a < x < b of a type's grid, x becomes b with probability (x - a) / (b - a). Numbers on the grid stay. The
grid goes on beyond the largest finite number as if the exponent had room: what is rounded past that number is an infinity.
Trainium offers it for its conversions (`NEURON_RT_STOCHASTIC_ROUNDING_EN`); its random numbers are its own, so results agree
with the chip's in distribution only.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tilery.dsl.types import ElementType

from .rounding import Array, every_number


def stochastic(x: Array, t: ElementType, rng: np.random.Generator) -> Array:
    """float32 -> float32 on the grid of the float type `t`. f32 is its own grid; NaN and infinities stay."""
    if t.bytes == 4:
        return x
    if t.name == "bf16":
        return _bf16(x, rng)
    smallest, largest = _ends(t)
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        _, exponents = np.frexp(wide)
        # Below the smallest normal number the grid is even: its step is the smallest number.
        step = np.maximum(np.ldexp(1.0, exponents - t.significand_bits), smallest)
        rounded = np.floor(wide / step + rng.random(x.shape)) * step
        rounded = np.where(np.abs(rounded) > largest, np.copysign(np.inf, rounded), np.copysign(rounded, wide))
    return np.asarray(np.where(np.isfinite(wide), rounded, wide), np.float32)


def _bf16(x: Array, rng: np.random.Generator) -> Array:
    """bf16 is the upper half of an f32: add a random lower half, cut it off."""
    noise = rng.integers(0, 1 << 16, x.shape, np.uint32)
    bits = np.asarray(np.ascontiguousarray(x).view(np.uint32).reshape(x.shape) + noise)
    cut = np.bitwise_and(bits, np.uint32(0xFFFF0000)).view(np.float32)
    return np.asarray(np.where(np.isfinite(x), cut, x))


@cache
def _ends(t: ElementType) -> tuple[float, float]:
    """The smallest number above 0 and the largest finite one."""
    numbers = every_number(t)
    positive = numbers[np.isfinite(numbers) & (numbers > 0)].astype(np.float64)
    return float(positive.min()), float(positive.max())
