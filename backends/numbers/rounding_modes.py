"""What numbers are while a program is executed op by op: as on the chip, with stochastic rounding, or in float64 throughout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tilery.dsl.types import ElementType

from ..operations import numerics
from ..operations.numerics import Array
from .stochastic import stochastic


class Arithmetic:
    """As on the chip: f32 and i32, every cast and store to nearest even."""

    def computing(self, t: ElementType) -> np.dtype[Any]:
        """What a tile of `t` is held as."""
        return numerics.compute_dtype(t)

    def stored(self, t: ElementType) -> np.dtype[Any]:
        """What a result of `t` is held as."""
        return numerics.numpy_dtype(t)

    def load(self, x: Array, t: ElementType) -> Array:
        """Stored elements in computing form."""
        return numerics.to_compute(x, t)

    def store(self, x: Array, t: ElementType) -> Array:
        """A tile as elements of a result."""
        return numerics.to_storage(x, t)

    def cast(self, x: Array, t: ElementType) -> Array:
        """`t(x)`, both in computing form."""
        return numerics.cast(x, t)

    def elementwise(self, fn: str, arrays: Sequence[Array]) -> Array:
        """`fn` of arrays that broadcast against each other."""
        return numerics.elementwise(fn, arrays)

    def reduce(self, fn: str, x: Array, axis: tuple[int, ...]) -> Array:
        """`x` reduced over the numbered axes."""
        return numerics.reduce(fn, x, axis)


class StochasticArithmetic(Arithmetic):
    """As on the chip, but casts and stores of f32 to narrower float types round stochastically.

    The same seed gives the same results: tiles are executed in one order, on one thread.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def store(self, x: Array, t: ElementType) -> Array:
        """A tile as elements of a result."""
        return numerics.to_storage(self.cast(x, t), t)

    def cast(self, x: Array, t: ElementType) -> Array:
        """`t(x)`, both in computing form."""
        if t.kind == "float" and x.dtype == np.float32:
            return stochastic(x, t, self._rng)
        return numerics.cast(x, t)


class HighPrecision(Arithmetic):
    """float64 for every float type, and nothing rounds: what a kernel computes if its numbers had no end."""

    def computing(self, t: ElementType) -> np.dtype[Any]:
        """What a tile of `t` is held as."""
        return np.dtype(np.float64) if t.kind == "float" else numerics.compute_dtype(t)

    def stored(self, t: ElementType) -> np.dtype[Any]:
        """What a result of `t` is held as."""
        return np.dtype(np.float64) if t.kind == "float" else numerics.numpy_dtype(t)

    def load(self, x: Array, t: ElementType) -> Array:
        """Stored elements in computing form; what a result already holds in float64 is passed on."""
        return x if x.dtype == np.float64 else numerics.to_compute(x, t).astype(self.computing(t), copy=False)

    def store(self, x: Array, t: ElementType) -> Array:
        """A tile as elements of a result."""
        return x.astype(np.float64, copy=False) if t.kind == "float" else numerics.to_storage(x, t)

    def cast(self, x: Array, t: ElementType) -> Array:
        """`t(x)`: nothing is rounded to a float type; to an integer it is a conversion, and rounds."""
        return x.astype(np.float64, copy=False) if t.kind == "float" else numerics.cast(x, t)

    def elementwise(self, fn: str, arrays: Sequence[Array]) -> Array:
        """`fn` of arrays that broadcast against each other."""
        wide = fn in numerics.FLOAT_ONLY
        return numerics.elementwise(fn, [each.astype(np.float64, copy=False) if wide else each for each in arrays])

    def reduce(self, fn: str, x: Array, axis: tuple[int, ...]) -> Array:
        """`x` reduced over the numbered axes."""
        return numerics.reduce(fn, x.astype(np.float64) if fn == "mean" else x, axis)
