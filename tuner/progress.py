"""The progress of a tuning, and why it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tilery.backends.tunable import Config

Stop = Literal["proved", "exhausted", "budget", "trials", "interrupted", "disconnected"]
"""Why a search ended. `proved`: every configuration was timed or cannot win. `exhausted`: the same, of a sample only.

`disconnected`: the storage that it shares with other workers was lost."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a running tuning."""

    stage: Literal["prepare", "screen", "search", "measure", "verify"]
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
    bound: str = ""
    """What bounds the latency of the best."""
    headroom: float | None = None
    """By what share the best might still be beaten, by the bounds of what is left; None where that is not known."""
    values: Mapping[str, float] = field(default_factory=dict)
    """The objectives of the best, with their units, where they are others than the latency."""
    front: int = 0
    """How many configurations there are to choose from, of several objectives."""

    @property
    def left_s(self) -> float | None:
        """How long the stage will yet take if its budget is used up; None as long as that is a guess."""
        if self.fraction <= 0.02 or self.stage == "verify":
            return None
        return self.elapsed_s * (1 - self.fraction) / self.fraction


Watcher = Callable[[Progress], None]
"""A function that is called with the progress, a few times a second."""
