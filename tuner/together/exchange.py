"""What searches by the model tell each other: their best configurations, now and then.

The model times a configuration in a few milliseconds, about as long as a storage takes to note one trial. To ask it before each
whether somebody else has timed that one would make every worker slower than it is alone. So the storage holds what is worth
a trial: whatever was the best of a worker when it looked, and the best few of each at its end.
"""

from __future__ import annotations

import logging
import time
from collections import deque

from tilery.dsl.errors import UsageError

from ..trials import Trials
from .shared import SharedStudy
from .storage import in_short, lost_errors

log = logging.getLogger("tilery")

EVERY_S = 1.0
"""Between two looks at the study."""
LAST = 10
"""How many of its best a worker leaves in the study at its end."""


class Exchange:
    """An arm of the search that proposes what other workers of the study have found best."""

    def __init__(self, study: SharedStudy, trials: Trials) -> None:
        self._study = study
        self._trials = trials
        self._published: set[int] = set()
        self._queue: deque[int] = deque()
        self._looked_s = -EVERY_S
        self._lost = False

    def propose(self) -> int | None:
        """Another worker's best that this one has not timed."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= EVERY_S:
            self._looked_s = now_s
            self.look()
        while self._queue:
            if (index := self._queue.popleft()) not in self._trials.done:
                return index
        return None

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        """It goes by the record of all trials."""

    def look(self, best: int = 1) -> None:
        """Notes this worker's best, and what the others have noted since. Without the storage, the search goes on alone."""
        if self._lost:
            return
        try:
            self._publish(best)
            self._queue.extend(index for each in self._study.news() if (index := self._number(each.config)) is not None)
        except lost_errors() as error:
            self._lost = True
            log.warning("the storage is out of reach, so the search goes on alone: %s", in_short(error))

    def leave(self) -> None:
        """Notes the best few, at the end of the search."""
        self.look(LAST)

    def _publish(self, best: int) -> None:
        for trial in self._trials.ranked()[:best]:
            if trial.index not in self._published:
                self._published.add(trial.index)
                self._study.publish(self._trials.landscape.space.config(trial.index), trial.latency_us)

    def _number(self, config: dict[str, int | str]) -> int | None:
        try:
            return self._trials.landscape.space.index(config)
        except UsageError:
            return None
