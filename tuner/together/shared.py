"""One Optuna study of any number of workers: who is at which configuration, what came of it, and whose work was lost.

A configuration is proposed as a waiting trial and claimed by setting it running, which a storage grants to one worker only.
Of two trials of one configuration the later gives way: numbers are handed out in order, so that both workers see which that is.
"""

from __future__ import annotations

import copy
import os
import socket
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, TrialState, create_trial

from tilery.backends.tunable import Choice, Config, Tunable

from .silence import Heart

RETRIES = 2
"""How often a configuration whose worker died is tried again, before it is taken to be what killed them."""
OPEN = (TrialState.RUNNING, TrialState.WAITING)


@dataclass(frozen=True, slots=True)
class Claim:
    """A configuration that is this worker's to measure."""

    number: int
    """Of its trial."""
    trial_id: int
    config: dict[str, Choice]


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a configuration."""

    config: dict[str, Choice]
    value: float | None
    """None if it failed."""
    problem: str = ""
    """Why it failed."""


class SharedStudy:
    """A study in a storage, joined if it exists. Workers that fall silent for `grace_s` lose their trial to another.

    Trials hold the configuration as categorical parameters, so that every tool that reads Optuna's storages shows them.
    One that failed by itself says so in its attribute `problem`; one without it was given up, and counts for nothing.
    """

    def __init__(self, storage: BaseStorage, name: str, tunables: Sequence[Tunable], grace_s: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._storage = storage
        self.study = optuna.create_study(study_name=name, storage=storage, direction="minimize", load_if_exists=True)
        self._id = storage.get_study_id_from_name(name)
        self._heart = Heart(storage, grace_s)
        self._distributions: dict[str, BaseDistribution] = {each.name: CategoricalDistribution(each.values) for each in tunables}
        self._names = tuple(self._distributions)
        self._told: set[int] = set()
        self._worker = f"{socket.gethostname()}:{os.getpid()}"

    def news(self) -> list[Finished]:
        """What has finished since the last call, whoever did it, this worker included."""
        fresh = [each for each in self._trials() if each.state.is_finished() and each.number not in self._told]
        self._told.update(each.number for each in fresh)
        return [found for each in fresh if (found := self._finished(each))]

    def others(self) -> list[dict[str, Choice]]:
        """The configurations that somebody is at, or that wait for a worker."""
        return [dict(each.params) for each in self._trials() if each.state in OPEN]

    def counted(self) -> int:
        """How many configurations are done or being done."""
        return sum(not _void(each) for each in self._trials())

    def claim(self, propose: Callable[[], Config | None], limit: int | None, **notes: float) -> Claim | None:
        """A configuration for this worker: one that waits, because its worker died, else one that `propose` comes up with.

        None if `propose` has none, or if it would be one more than `limit` in the whole study.
        """
        self.retry_lost()
        while True:
            waiting = [each for each in self._trials() if each.state == TrialState.WAITING]
            if not waiting:
                if limit is not None and self.counted() >= limit:
                    return None
                config = propose()
                if config is None:
                    return None
                self._queue(config, notes)
                continue
            trial = next((each for each in waiting if self._take(each)), None)
            if trial is None:
                continue
            claim = Claim(trial.number, self._trial_id(trial), dict(trial.params))
            before = [each for each in self._trials() if each.number < claim.number and not _void(each)]
            if limit is not None and len(before) >= limit:
                self._void(claim, "over the limit of trials")
                return None
            if same := next((each for each in before if each.params == claim.config), None):
                self._void(claim, f"the same as trial {same.number}")
                continue
            self._storage.set_trial_user_attr(claim.trial_id, "worker", self._worker)
            return claim

    @contextmanager
    def beating(self, claim: Claim) -> Iterator[None]:
        """Shows the others, inside the block, that this worker is alive."""
        done = threading.Event()
        thread = threading.Thread(target=self._heart.beat_until, args=(done, claim.trial_id), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def tell(self, claim: Claim, value: float | None, problem: str = "") -> bool:
        """What came of a claim; False if the others had given this worker up, and its trial to somebody else."""
        try:
            if value is None:
                self._storage.set_trial_user_attr(claim.trial_id, "problem", problem)
                self._storage.set_trial_state_values(claim.trial_id, TrialState.FAIL)
            else:
                self._storage.set_trial_state_values(claim.trial_id, TrialState.COMPLETE, [value])
        except UpdateFinishedTrialError:
            return False
        return True

    def publish(self, config: Config, value: float) -> None:
        """Adds a configuration that needs no claim, unless it is there already."""
        params = {name: config[name] for name in self._names}
        if all(each.params != params for each in self._trials()):
            attributes = {"worker": self._worker}
            self.study.add_trial(
                create_trial(value=value, params=params, distributions=self._distributions, user_attrs=attributes)
            )

    def give_back(self, claim: Claim) -> None:
        """Leaves a claim to another worker, or to the next run."""
        if self._void(claim, "given back by its worker"):
            self._queue(claim.config, {})

    def retry_lost(self) -> None:
        """Hands on the trials of workers that have died."""
        if self._heart.native:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                optuna.storages.fail_stale_trials(self.study)
            return
        running = [each for each in self._trials() if each.state == TrialState.RUNNING]
        for trial in self._heart.silent(running):
            # Of all who notice only one is granted the change of state, and only that one hands the trial on.
            try:
                self._storage.set_trial_state_values(self._trial_id(trial), TrialState.FAIL)
            except UpdateFinishedTrialError:
                continue
            # A copy, because the callback changes the history that it finds.
            on_lost()(self.study, copy.deepcopy(self._storage.get_trial(self._trial_id(trial))))

    def _trials(self) -> list[FrozenTrial]:
        try:
            return self._storage.get_all_trials(self._id, deepcopy=False)
        except KeyError:
            raise StorageInternalError("somebody has removed the study from it") from None

    def _trial_id(self, trial: FrozenTrial) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._id, trial.number)

    def _queue(self, config: Config, notes: Mapping[str, float]) -> None:
        params = {name: config[name] for name in self._names}
        state = TrialState.WAITING
        self.study.add_trial(create_trial(state=state, params=params, distributions=self._distributions, user_attrs=dict(notes)))

    def _take(self, trial: FrozenTrial) -> bool:
        """Sets a waiting trial running; False if another worker was faster."""
        trial_id = self._trial_id(trial)
        # Before it runs: one that dies right afterwards has then left a beat that stops.
        self._heart.beat(trial_id)
        try:
            return self._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
        except UpdateFinishedTrialError:
            return False

    def _void(self, claim: Claim, note: str) -> bool:
        try:
            self._storage.set_trial_user_attr(claim.trial_id, "note", note)
            return self._storage.set_trial_state_values(claim.trial_id, TrialState.FAIL)
        except UpdateFinishedTrialError:
            return False

    def _finished(self, trial: FrozenTrial) -> Finished | None:
        config = dict(trial.params)
        if trial.state == TrialState.COMPLETE:
            return Finished(config, trial.value)
        if not _void(trial):
            return Finished(config, None, trial.user_attrs.get("problem", f"its worker died {RETRIES + 1} times"))
        return None


def on_lost() -> RetryHeartbeatStaleTrialCallback:
    """What is done with a trial whose worker has died."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return RetryHeartbeatStaleTrialCallback(max_retry=RETRIES)


def _void(trial: FrozenTrial) -> bool:
    """Whether a trial was given up: as a duplicate, given back, or its worker died and another trial took its place."""
    if trial.state != TrialState.FAIL or "problem" in trial.user_attrs:
        return False
    given_up = "note" in trial.user_attrs
    return given_up or len(trial.system_attrs.get("retry_history", [])) < RETRIES
