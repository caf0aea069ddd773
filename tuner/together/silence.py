"""Signs of life of workers, by Optuna's heartbeat where a storage has one, by an attribute of the trial where it has none.

Optuna's journal file and its gRPC proxy have no heartbeat. There a worker counts up the attribute `beat` of its trial, and
the others watch it change. Each goes by its own clock: those of several machines need not agree.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from .optuna_internals import BaseHeartbeat, is_heartbeat_enabled

log = logging.getLogger("tilery")

BEATS = 4
"""In the time after which a worker is given up."""


class Heart:
    """Shows that this worker lives, and notices which others do not."""

    def __init__(self, storage: BaseStorage, grace_s: int) -> None:
        self._storage = storage
        self._grace_s = grace_s
        self._interval_s = grace_s / BEATS
        self._beats = 0
        self._seen: dict[int, tuple[object, float]] = {}
        self.native = is_heartbeat_enabled(storage)
        """Whether the storage knows heartbeats."""

    def beat(self, trial_id: int) -> None:
        """One sign of life."""
        self._beats += 1
        if self.native:
            assert isinstance(self._storage, BaseHeartbeat)
            self._storage.record_heartbeat(trial_id)
        else:
            self._storage.set_trial_user_attr(trial_id, "beat", self._beats)

    def beat_until(self, done: threading.Event, trial_id: int) -> None:
        """Beats until the event is set."""
        while not done.wait(self._interval_s):
            try:
                self.beat(trial_id)
            except UpdateFinishedTrialError:
                return
            except Exception as error:
                # The storage is out of reach; the next beat may come through, and if none does, the main thread meets it too.
                log.debug("a sign of life was lost: %s", error)

    def silent(self, running: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """Those whose beat this worker has seen unchanged for too long."""
        now = time.monotonic()
        seen = {}
        for trial in running:
            sign = (trial.user_attrs.get("worker"), trial.user_attrs.get("beat"))
            before = self._seen.get(trial.number)
            seen[trial.number] = before if before and before[0] == sign else (sign, now)
        self._seen = seen
        return [trial for trial in running if now - self._seen[trial.number][1] > self._grace_s]
