"""Runs a tile program as vectorised numpy, at about the speed of numpy, with the number formats of the chip.

What a tile axis is cut for (capacity, partitions) does not matter to numpy, so a parallel axis over which nothing reduces goes
in steps that suit the processor's caches; every other axis goes by the given tiles, in order, ragged ends and all. Each element
is the one that tile-by-tile execution gives, but for the order in which BLAS adds within a step.
"""

from .emulation import SCRATCH_BYTES, Emulation, compile, tile_sizes
from .own_tiles import own_tiles
from .stepping.probes import Probes
from .stepping.stepwise import step_through
from .stepping.stops import Names, Stop, StoppingRun

__all__ = [
    "SCRATCH_BYTES",
    "Emulation",
    "Names",
    "Probes",
    "Stop",
    "StoppingRun",
    "compile",
    "own_tiles",
    "step_through",
    "tile_sizes",
]
