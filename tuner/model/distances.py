"""Distances between configurations, to find the one that is nearest to what a sampler asks for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..space.configurations import Indices, Space


class Distances:
    """By steps over ordered values, as a share of their range; by difference over names."""

    def __init__(self, space: Space, indices: Indices) -> None:
        self._digits = space.digits(indices).astype(np.int16)
        scale = [1 / max(1, len(each.values) - 1) if each.ordered else 0.0 for each in space.tunables]
        self._scale = np.array(scale, dtype=np.float32)

    def nearest(self, wanted: Indices, allowed: NDArray[np.bool_]) -> int:
        """The place of the nearest of the first that are `allowed`; the first of equally near ones."""
        steps = np.abs(self._digits[: len(allowed)] - wanted.astype(np.int16))
        distance = np.where(self._scale > 0, steps * self._scale, steps > 0).sum(axis=1)
        distance[~allowed] = np.inf
        return int(np.argmin(distance))
