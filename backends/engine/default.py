"""The configuration of an untuned kernel: the model's own pick, in well under a second.

The best lower bounds of a spread of configurations are timed exactly, and the fastest is taken.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...dsl.program import Kernel
from ..chips import Chip
from ..tunable import Choice, Tunable
from .lower import lower, tunables
from .screen import screen
from .timing import latency_fs

STRUCTURES = 32
"""Combinations of structural choices that are looked at."""
EACH = 64
"""Configurations of each whose bounds are looked at."""
TIMED = 24
"""How many of the best bounds are timed."""


def default_config(kernel: Kernel, dims: Mapping[str, int], chip: Chip) -> dict[str, Choice]:
    """The pick for a kernel at some shapes on a chip; the same at every call.

    Raises `Infeasible` if nothing among the spread fits, naming the least violated limit and what would satisfy it.
    """
    space = tunables(kernel, dims, chip)
    columns = _spread(space)
    screening = screen(kernel, dims, chip, columns)
    rows = range(STRUCTURES * EACH)
    configs = [{each.name: each.values[int(columns[each.name][row])] for each in space} for row in rows]
    feasible = np.flatnonzero(screening.limit == 0)
    if not len(feasible):
        lower(kernel, dims, chip, configs[int(np.argmin(screening.over))])  # raises, and says by how much
        raise AssertionError("screening and capacity disagree")
    best = feasible[np.argsort(screening.lower_bound_us[feasible], kind="stable")[:TIMED]]
    return min((configs[int(row)] for row in best), key=lambda config: latency_fs(lower(kernel, dims, chip, config)))


def _spread(space: tuple[Tunable, ...]) -> dict[str, NDArray[np.integer]]:
    """Seeded random configurations, after the two likeliest to fit: smallest tiles and fewest slots, and the defaults.

    Structures are drawn first, and numbers for each: bounds are computed a structure at a time.
    """
    generator = np.random.default_rng(0)
    columns: dict[str, NDArray[np.integer]] = {}
    for each in space:
        if each.kind == "knob" and not each.name.startswith("buffers."):
            columns[each.name] = np.repeat(generator.integers(0, len(each.values), STRUCTURES), EACH)
        else:
            columns[each.name] = generator.integers(0, len(each.values), STRUCTURES * EACH)
        columns[each.name][0] = 0
        columns[each.name][1] = each.values.index(each.default)
    return columns
