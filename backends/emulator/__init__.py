"""Runs a tile program as vectorised numpy, at about the speed of numpy, with the number formats of the chip.

The chip's capacity and partitions do not matter to numpy. So a parallel axis over which nothing reduces is cut into steps that
suit the processor's caches. Every other axis is cut into the given tiles, in order, with a ragged last one. Each element equals
that of tile-by-tile execution, except for the order in which BLAS adds within a step.
"""

from .emulation import SCRATCH_BYTES, Emulation, compile
from .given_tiles import tile_sizes
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
