"""Configurations as points whose distances say how alike they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...space.given import Value

Floats = NDArray[np.float64]


class Points:
    """Numbers by ratio, each parameter within 0 and 1; names are equally far from each other."""

    def __init__(self, values: Sequence[Sequence[Value]]) -> None:
        self._tables = [_scaled(each) for each in values]

    def of(self, digits: NDArray[np.integer]) -> Floats:
        """Places in the domains as points, shape [configuration, coordinate]."""
        return np.concatenate([table[digits[:, place]] for place, table in enumerate(self._tables)], axis=1)


def _scaled(values: Sequence[Value]) -> Floats:
    """The choices of one parameter as points, shape [choice, coordinate]."""
    numbers = [float(each) for each in values if isinstance(each, int | float)]
    if len(numbers) < len(values):
        return np.eye(len(values)) / math.sqrt(2)
    points = np.log(numbers) if min(numbers) > 0 else np.array(numbers)
    return np.asarray((points - points.min()) / (np.ptp(points) or 1.0))[:, None]
