"""Closed-form bounds on a latency, for one configuration or for arrays of them.

No schedule does more than one thing at a time on an engine, and none waits while nothing runs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .cost import duration_s, latency_s
from .numbers import Number
from .program import Structure
from .totals import Totals


def lower_bound_s(structure: Structure, dims: Mapping[str, int], tiles: Mapping[str, Number]) -> Number:
    """The busiest engine's seconds."""
    busy: dict[str, Number] = {}
    for node, times, extents in Totals(structure, dims, tiles).executed():
        busy[node.engine] = busy.get(node.engine, 0.0) + times * duration_s(node, structure.chip, extents, dims)
    return np.maximum.reduce(np.broadcast_arrays(*(np.asarray(each, float) for each in busy.values())))


def upper_bound_s(structure: Structure, dims: Mapping[str, int], tiles: Mapping[str, Number]) -> Number:
    """The seconds of everything done one after the other, each result waited for: what is left without any overlap."""
    chip = structure.chip
    total: Number = (chip.dma.trigger_ns + chip.tensor.warm_up_ns) * 1e-9
    for node, times, extents in Totals(structure, dims, tiles).executed():
        total = total + times * (duration_s(node, chip, extents, dims) + latency_s(node, chip))
    return total
