"""Where a tuning stands, and why it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..backends.tunable import Config

Stop = Literal["proved", "exhausted", "budget", "trials", "interrupted"]
"""Why a search ended. `proved`: every configuration was timed or cannot win. `exhausted`: the same, of a sample only."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a search stands."""

    stage: Literal["screen", "search", "measure", "verify"]
    done: int
    """Configurations screened, timed, measured, or finalists verified."""
    total: int
    """Of how many; in the search, of how many that could still win."""
    elapsed_s: float
    fraction: float
    """The share of the stage's budget that is used."""
    best_us: float | None = None
    best: Config | None = None
    default_us: float | None = None


Watcher = Callable[[Progress], None]
"""Told of progress, a few times a second."""
