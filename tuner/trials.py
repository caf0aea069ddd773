"""What has been timed so far: the record that every part of the search reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from .model.protocol import Measurement
from .space.configurations import Indices
from .space.feasibility import Landscape


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration and its exact figures."""

    index: int
    latency_us: float
    on_chip_bytes: int
    values: tuple[float, ...] = ()
    """What is minimised, an objective each; none where it is the latency alone."""

    @property
    def rank(self) -> tuple[float, int, int]:
        """Sorts the better one first. Latencies equal to rounding are ties, which fewer bytes decide, then the number."""
        return float(f"{self.latency_us:.9g}"), self.on_chip_bytes, self.index

    @property
    def minimised(self) -> tuple[float, ...]:
        """What a strategy is told of it."""
        return self.values or (self.latency_us,)


class Record(Protocol):
    """What a search by a model has timed, each configuration at most once; for the least latency `Trials`, else `Front`."""

    landscape: Landscape
    done: dict[int, Trial | None]
    """By number, in the order in which they were timed; None for one that turned out infeasible."""
    refused: Counter[str]
    """How many configurations passed the screening and yet violated a limit, by limit."""

    @property
    def best(self) -> Trial | None:
        """The best so far, of the first objective."""

    @property
    def headroom(self) -> float:
        """By what share the best might still be beaten; 0 where that is proved."""

    @property
    def choices(self) -> int:
        """How many there are to choose from, of several objectives; else 0."""

    @property
    def complete(self) -> bool:
        """Whether no configuration was left out: what is left to time is then all that might be better."""

    def add(self, trial: Trial) -> None:
        """Records a timed configuration."""

    def trial(self, index: int, measured: Measurement) -> Trial:
        """A configuration and what of its figures is minimised here."""

    def refuse(self, index: int, limit: str) -> None:
        """Records a configuration that does not fit after all."""

    def settle(self) -> None:
        """Makes it whole after an interrupt, which may have come anywhere."""

    def open(self) -> int:
        """How many screened configurations might still be better."""

    def ranked(self) -> list[Trial]:
        """All timed configurations, best of the first objective first."""


@dataclass
class Trials:
    """Every configuration timed for the least latency."""

    choices: ClassVar[int] = 0

    landscape: Landscape
    done: dict[int, Trial | None] = field(default_factory=dict)
    """By number; None for one that turned out infeasible."""
    best: Trial | None = None
    refused: Counter[str] = field(default_factory=Counter)
    """How many configurations passed the screening and yet violated a limit, by limit."""

    def add(self, trial: Trial) -> None:
        """Records a timed configuration."""
        self.done[trial.index] = trial
        if self.best is None or trial.rank < self.best.rank:
            self.best = trial

    def trial(self, index: int, measured: Measurement) -> Trial:
        """The latency alone is minimised."""
        return Trial(index, measured.latency_us, measured.on_chip_bytes)

    @property
    def complete(self) -> bool:
        """Whether the space was screened whole."""
        return self.landscape.whole

    def settle(self) -> None:
        """Finds the best anew: an interrupt may have come between a trial and the note that it is the best."""
        self.best = min((each for each in self.done.values() if each), key=lambda trial: trial.rank, default=None)

    def refuse(self, index: int, limit: str) -> None:
        """Records a configuration that could not be lowered."""
        self.done[index] = None
        self.refused[limit] += 1

    @property
    def best_us(self) -> float:
        """The best latency so far; infinite before the first."""
        return self.best.latency_us if self.best else np.inf

    def ranked(self) -> list[Trial]:
        """All timed configurations, best first."""
        return sorted((each for each in self.done.values() if each), key=lambda trial: trial.rank)

    def promising(self, indices: Indices) -> Indices:
        """What stands for them and is new, and whose lower bound leaves room to win; best lower bound first."""
        indices = self.landscape.lifted(indices)
        bounds = self.landscape.bounds_of(indices)
        keep = np.flatnonzero(bounds < self.best_us)
        ordered = indices[keep[np.argsort(bounds[keep], kind="stable")]]
        return ordered[[int(index) not in self.done for index in ordered]] if len(ordered) else ordered

    def open(self) -> int:
        """How many screened configurations might still be better than the best."""
        candidates = self.landscape.order[: self.landscape.below(self.best_us)]
        return len(candidates) - int(np.isin(candidates, self._timed()).sum())

    def lowest_open_us(self) -> float:
        """The best lower bound of a screened configuration that has not been timed; infinite if there is none."""
        head = self.nearest_open(1)
        return float(self.landscape.bounds_of(head)[0]) if len(head) else np.inf

    @property
    def headroom(self) -> float:
        """By what share of its latency the best might still be beaten; 0 where that is proved."""
        return max(0.0, 1 - self.lowest_open_us() / self.best_us)

    def nearest_open(self, most: int) -> Indices:
        """Up to `most` of the configurations that might still be better, best lower bound first."""
        candidates = self.landscape.order[: self.landscape.below(self.best_us)]
        head = candidates[: most + len(self.done)]
        return head[~np.isin(head, self._timed())][:most]

    def _timed(self) -> Indices:
        return np.fromiter(self.done, dtype=np.int64, count=len(self.done))
