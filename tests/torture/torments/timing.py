"""Random programs of the engine: timed alike by every road."""

from __future__ import annotations

import random
from pathlib import Path

from tilery.dsl.types import ELEMENT_TYPES

from ...engine.drawn import drawn_kernel, hold_timing
from ..torment import Torment

ELEMENTS = [ELEMENT_TYPES[name] for name in ("f32", "bf16", "f16", "f8e4m3", "f8e5m2")]


def timed(choose: random.Random, folder: Path) -> None:
    """One kernel in a few shapes and configurations, fitting the chip or not."""
    seed = choose.randrange(2**48)
    hold_timing(seed, drawn_kernel(seed, ELEMENTS), 3)


TIMING = Torment("timing", "random programs: jumps, no jumps and events agree, between both bounds, no share above 1", timed)
