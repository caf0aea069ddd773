"""Several objectives as one number: the largest of the weighted distances from the best bounds (Chebyshev).

Weights change from turn to turn: every point of a front, on a bulge or in a dent, is the best for some weights.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .front import Vectors

Weights = NDArray[np.float64]


class Weighing:
    """The objectives as one number."""

    def __init__(self, vectors: Vectors, generator: np.random.Generator) -> None:
        self._count = vectors.shape[1]
        self._low = np.log(np.maximum(vectors.min(axis=0), 1e-300))
        self._high = np.log(np.maximum(np.median(vectors, axis=0), 1e-300))
        self._weights = self._drawn(generator)

    def _drawn(self, generator: np.random.Generator) -> Iterator[Weights]:
        """First each objective alone, then all evenly, then random ones."""
        for each in np.eye(self._count):
            yield each + 1e-3
        yield np.ones(self._count)
        while True:
            yield generator.dirichlet(np.ones(self._count)) + 1e-3

    def draw(self) -> Weights:
        """The next weights."""
        return next(self._weights)

    def number(self, vectors: Vectors, weights: Weights) -> NDArray[np.float64]:
        """One number a row; the sum decides between rows alike in the largest."""
        extent = np.where(self._high > self._low, self._high - self._low, 1.0)
        scaled = weights * (np.log(np.maximum(vectors, 1e-300)) - self._low) / extent
        return np.asarray(scaled.max(axis=1) + 1e-3 * scaled.sum(axis=1))
