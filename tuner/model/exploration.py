"""The loop of every search by a model: the default, what is known, then what the strategies propose in turn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tilery.backends.tunable import Config

from ..budget import Budget, Clock
from ..deadline import TimeUp
from ..interrupts import heard, held
from ..progress import Progress, Stop, Watcher
from ..strategy import Source
from ..trials import Record, Trial
from .protocol import Model, Refused
from .turns import Turns

TOLD_S = 0.1
"""The least time between two reports of progress."""


@dataclass(frozen=True)
class Outcome:
    """What a search found."""

    trials: Record
    default: Trial
    stop: Stop


@dataclass
class Exploration:
    """A running search."""

    model: Model
    record: Record
    budget: Budget
    watch: Watcher | None = None
    objectives: Sequence[str] = ()
    """The fields of the objectives that progress names; none where it is the latency alone."""
    clock: Clock = field(init=False)
    first: Trial = field(init=False)
    """The default."""

    def __post_init__(self) -> None:
        self.clock = Clock(self.budget)

    def begin(self, default: Config) -> None:
        """Times the default, which everything after it is compared with; raises what the model says where that does not fit."""
        index = self.record.landscape.space.index(default)
        self.first = self.record.trial(index, self.model.measure(default))
        self.record.add(self.first)

    def run(
        self,
        sources: Callable[[], Sequence[Source]],
        known: Iterable[Config],
        last: Callable[[], bool] = lambda: False,
        leave: Callable[[], None] = lambda: None,
    ) -> Outcome:
        """Times `known`, then what the sources propose, then whatever `last` times as long as it says that there is more.

        Ctrl-C and the end of the budget end it with what was found; `leave` is called then, and is not broken off. The sources
        are made only if there is time for them: their libraries take a while to import.
        """
        stop: Stop | None = None
        try:
            with self.clock.deadline.enforced():
                if not (stop := self._spent()):
                    asked = sources()
                    stop = self._known(asked, known) or self._turns(asked)
                while not self._spent() and last():
                    pass
        except TimeUp:
            stop = "budget"
        except KeyboardInterrupt:
            heard()
            stop = "interrupted"
        with held() as end:
            self.record.settle()
            leave()
            self._report()
        stop = "interrupted" if end.asked else stop
        return Outcome(self.record, self.first, stop or ("proved" if self.record.complete else "exhausted"))

    def timed(self, index: int) -> Trial | None:
        """Times a configuration and records it; None if it does not fit after all."""
        try:
            measured = self.model.measure(self.record.landscape.space.config(index))
        except Refused as refused:
            self.record.refuse(index, refused.limit)
            return None
        trial = self.record.trial(index, measured)
        self.record.add(trial)
        return trial

    def _spent(self) -> Stop | None:
        return self.clock.spent(len(self.record.done))

    def _known(self, sources: Sequence[Source], known: Iterable[Config]) -> Stop | None:
        """Times what is known from elsewhere and may be chosen here."""
        self._learn(sources, self.first.index, self.first, None)
        landscape = self.record.landscape
        for index in dict.fromkeys(landscape.space.index(config) for config in known):
            if stop := self._spent():
                return stop
            if index not in self.record.done and np.isfinite(landscape.bounds_of(np.array([index]))[0]):
                self._learn(sources, index, self.timed(index), None)
        return None

    def _turns(self, sources: Sequence[Source]) -> Stop | None:
        turns = Turns(len(sources), by_time=self.budget.trials is None)
        told_s = 0.0
        while not (stop := self._spent()) and self._turn(sources, turns):
            if self.clock.elapsed_s - told_s > TOLD_S:
                told_s = self.clock.elapsed_s
                self._report()
        return stop

    def _turn(self, sources: Sequence[Source], turns: Turns) -> bool:
        """One trial, by the source whose turn it is; False if none has anything to propose."""
        for place in turns.order():
            with turns.taken(place):
                proposed = sources[place].propose()
                if proposed is None:
                    continue
                self._learn(sources, proposed, self.timed(proposed), sources[place])
            return True
        return False

    def _learn(self, sources: Sequence[Source], index: int, trial: Trial | None, proposer: Source | None) -> None:
        values = trial.minimised if trial else (math.inf,) * len(self.first.minimised)
        for each in sources:
            each.learn(index, values, each is proposer)

    def _report(self) -> None:
        if not self.watch or not (best := self.record.best):
            return
        done = len(self.record.done)
        self.watch(
            Progress(
                "search",
                done,
                done + self.record.open(),
                self.clock.elapsed_s,
                self.clock.fraction(done),
                best.latency_us,
                self.record.landscape.space.config(best.index),
                self.first.latency_us,
                headroom=self.record.headroom,
                values=dict(zip(self.objectives, best.values, strict=True)),
                front=self.record.choices,
            )
        )
