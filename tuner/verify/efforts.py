"""A verification in the time that there is: at the largest shape that it allows, and at smaller ones where that takes longer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from tilery.backends.tunable import Config
from tilery.dsl.errors import TileryError

from ..deadline import NEVER, Deadline, TimeUp, working
from ..interrupts import heard, look
from ..model.protocol import TuningModel
from ..progress import Stop
from .small_shape import MOST_WORK
from .verification import Verification

Conclusion = TypeVar("Conclusion")

WORK_PER_S = 1e8
"""About what exact execution and its comparison do in a second, counted as `MOST_WORK` is; elementwise kernels do less."""
PART = 0.6
"""What part of the time an attempt gets, so that a smaller shape still has its turn."""
SMALLER = (2e6, 3e4)
"""The most work of later attempts. With the last one nearly all that is left are the constant costs."""
INTERRUPTED_S = 0.3
"""How long larger shapes may take after Ctrl-C, which ends everything within a second."""
GRACE_S = 0.6
"""How long the smallest shape may yet be worked at when the time is up: what took the whole budget is not thrown away."""


class Unverified(TileryError):
    """The time was up, or an interrupt came, before anything was found to be right."""

    def __init__(self, latency_us: float, interrupted: bool) -> None:
        why, help_ = ("interrupted", "") if interrupted else ("the time was up", "\nhelp: give it a longer --budget")
        super().__init__(
            f"{why} before the best, {latency_us:.1f} us, had been executed and compared with the reference, "
            f"so nothing was written{help_}"
        )
        self.exit_code = 130 if interrupted else 1


@dataclass
class Checking:
    """Executes configurations and compares them with the reference, until some time."""

    model: TuningModel
    until: Deadline = NEVER
    interrupted: bool = False
    """Whether Ctrl-C has ended the search, or came meanwhile."""

    @classmethod
    def of(cls, model: TuningModel, until: Deadline, interrupted: bool) -> Checking:
        """Until then, or for a moment only where the search was interrupted."""
        return cls(model, Deadline.after(INTERRUPTED_S) if interrupted else until, interrupted)

    def __call__(self, config: Config, seed: int, part: float = 1.0) -> Verification:
        """What comes of one configuration in this part of the time; raises `TimeUp` if even the smallest shape takes longer."""
        look()
        until = self.until.share(part)
        *larger, smallest = efforts(until)
        for most_work in larger:
            with suppress(TimeUp), until.share(PART).enforced():
                return self._verified(config, seed, most_work)
        with working(until.left_s + GRACE_S):
            return self._verified(config, seed, smallest)

    def _verified(self, config: Config, seed: int, most_work: float) -> Verification:
        return self.model.verify(config, seed, most_work)


def concluded(conclude: Callable[[Stop], Conclusion], stop: Stop) -> Conclusion:
    """What follows a search that ended so. Broken off by Ctrl-C it is done again in a hurry, so that what was found is kept.

    The second Ctrl-C is passed on.
    """
    try:
        return conclude(stop)
    except KeyboardInterrupt:
        if stop == "interrupted":
            raise
        heard()
        return conclude("interrupted")


def efforts(until: Deadline) -> list[float]:
    """The most work of one attempt after the other."""
    most = min(MOST_WORK, WORK_PER_S * PART * until.left_s)
    return [*(each for each in (most, *SMALLER[:-1]) if SMALLER[-1] < each <= most), SMALLER[-1]]
