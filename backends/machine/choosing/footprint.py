"""The on-chip memory that a structure needs, as arrays over tile sizes and sums over slots; and which structures are equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilery.backends.chips import Chip
from tilery.backends.families import family_of
from tilery.backends.tunable import Choice, Config, retuned
from tilery.dsl.program import Program

from ..segments import segments
from ..time.bounds import lower_bound_s
from .assemble import lowering
from .screen import ROUNDING, Columns, Sizes


@dataclass(frozen=True, slots=True)
class Footprint:
    """The on-chip memory that configurations need: `fixed`, plus for every tunable of slots its number times `each`."""

    limits: tuple[str, ...]
    """The memories, once for each segment of the program."""
    capacity: NDArray[np.float64]
    """Shape [limit]."""
    fixed: NDArray[np.float64]
    """Shape [limit, configuration]."""
    each: Mapping[str, NDArray[np.float64]]
    """For each tunable of slots of the program: the memory of one slot, shape [limit, configuration]."""
    lower_bound_us: NDArray[np.float64]
    """A lower bound on the latency, for any numbers of slots."""


def footprint(kernel: Program, dims: Mapping[str, int], chip: Chip, config: Config, tiles: Columns) -> Footprint:
    """The memory that a structure takes with many tile sizes and any number of slots.

    `config` makes the structure; `tiles` holds a size a configuration for every tile tunable.
    """
    road = lowering(retuned(kernel, config), chip)
    structure = road.structure(config)
    count = len(next(iter(tiles.values()))) if tiles else 1
    sizes = Sizes(structure, dims, tiles)
    family, memories = family_of(chip), family_of(chip).memories(chip)
    limits = [(memory, alive) for alive in segments(structure) for memory in memories]
    fixed = np.zeros((len(limits), count))
    each: dict[str, NDArray[np.float64]] = {}
    for limit, (memory, alive) in enumerate(limits):
        for buffer in (buffer for buffer in alive if buffer.memory == memory.name):
            one, slots = family.takes(buffer, chip, sizes.tile, sizes.extent), buffer.slots
            fixed[limit] += (structure.lags.get(buffer, 0) + (slots if isinstance(slots, int) else 0)) * one
            if isinstance(slots, str):
                each.setdefault(slots, np.zeros_like(fixed))[limit] += one
    bound = np.broadcast_to(lower_bound_s(structure, dims, sizes.tiles) * (1e6 * ROUNDING), count)
    capacity = np.array([memory.capacity for memory, _ in limits], float)
    return Footprint(tuple(memory.name for memory, _ in limits), capacity, fixed, each, bound)


def canonical(kernel: Program, chip: Chip, config: Config) -> dict[str, Choice]:
    """The structural choices that a configuration's program depends on. If they are equal, the programs are."""
    bound = retuned(kernel, config)
    return {each.name: config[each.name] for each in kernel.tunes} | lowering(bound, chip).built(config)[1].used()
