"""How errors pass through a scan, element after element, as variances; see `error_analysis` for what is done with them.

Of `h[i] = a[i] * h[i - 1] + b[i]` the error of h[i - 1] is multiplied by a[i], that of a[i] by h[i - 1], and the product and the
sum round. A running product is the same without b, from 1. Errors that arose in different elements add up as variances, one and
the same error of all elements as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..operations.numerics import Array
from ..operations.scanning import SCANS


class ScanErrors:
    """One scan in the order in which it runs, its axis first, all in float64."""

    def __init__(self, fn: str, terms: Sequence[Array], values: Array) -> None:
        self._gathers = SCANS[fn].gathers
        self._terms = terms
        self._values = values.astype(np.float64, copy=False)
        first = terms[2][:1] if len(terms) == 3 else np.full_like(self._values[:1], SCANS[fn].start(self._values.dtype))
        self._before = np.concatenate([first, self._values[:-1]])
        """The state that each step finds."""

    def passed_on(self, place: int, variance: Array, independent: bool) -> Array:
        """What the errors of the operand at `place` come to, whose variances lie along the axis."""
        if self._gathers == "extreme":
            return np.asarray(np.maximum.accumulate(variance, axis=0))
        if self._gathers == "sum":
            return np.asarray(np.cumsum(variance, axis=0) if independent else np.cumsum(np.sqrt(variance), axis=0) ** 2)
        return self._recurred(self._entering(place, variance), independent)

    def added(self, unit: float) -> Array:
        """The roundings of the scan itself."""
        if self._gathers == "sum":
            magnitude = np.cumsum(np.abs(self._terms[0]), axis=0)
            return np.asarray(len(magnitude) * (unit * magnitude) ** 2)
        rounded = np.square(self._values)
        if self._gathers == "linear":
            rounded = rounded + np.square(self._values - self._terms[1])
        return self._recurred(rounded * unit**2, independent=True)

    def _entering(self, place: int, variance: Array) -> Array:
        """The part of an operand's errors that comes in at each step."""
        if place == 0:
            return np.asarray(variance * np.square(self._before))
        if place == 1:
            return variance
        # The error of the start comes in once, multiplied by the first factor.
        start = np.zeros(self._values.shape)
        start[:1] = variance[:1] * np.square(self._terms[0][:1])
        return start

    def _recurred(self, entering: Array, independent: bool) -> Array:
        """What comes in, multiplied on from step to step."""
        factors = np.square(self._terms[0]) if independent else np.abs(self._terms[0])
        found = np.array(np.broadcast_to(entering if independent else np.sqrt(entering), self._values.shape))
        for step in range(1, len(found)):
            found[step, ...] += factors[step] * found[step - 1]
        return found if independent else np.square(found)
