"""Rounds of all torments in turn, each with its share of the time."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import wait

from .crew import Task, Worker
from .torment import Torment, again
from .worker import Outcome

MOST_ALIKE = 3
"""How many faults of one kind are kept; more of them are counted."""


@dataclass(frozen=True)
class Found:
    """A fault, and how to see it again."""

    torment: str
    number: int
    problem: str
    command: str
    files: dict[str, str]

    @property
    def kind(self) -> str:
        """What it has in common with others: its last words of a traceback, else its first, without their numbers."""
        lines = self.problem.strip().splitlines()
        return re.sub(r"/\S+|[\d,.]+|\[.*\]|'.*'|[^ -~]", "_", lines[-1] if lines[0].startswith("Traceback") else lines[0])[:80]


@dataclass
class Tally:
    """What a torment has done."""

    torment: Torment
    rounds: int = 0
    begun: int = 0
    spent_s: float = 0.0
    longest_s: float = 0.0
    faults: list[Found] = field(default_factory=list)
    """Those that are kept."""
    kinds: Counter[str] = field(default_factory=Counter)
    """How many there were of every kind."""

    @property
    def turn(self) -> float:
        """The lower, the sooner it is its turn."""
        return self.spent_s / self.torment.share


@dataclass
class Torture:
    """One run."""

    torments: Sequence[Torment]
    seed: int
    jobs: int = 1
    rounds: Sequence[int] | None = None
    """These rounds only, in place of 0, 1, 2, ... until the time is over."""
    told: Callable[[Torture], None] = lambda run: None
    """Called now and then, to show how far it is."""
    met: Callable[[Found], None] = lambda found: None
    """Called with a fault as soon as it is found: a long run may never come to its end."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tallies = {each.name: Tally(each) for each in self.torments}

    @property
    def faults(self) -> list[Found]:
        """All that was found."""
        return [fault for tally in self.tallies.values() for fault in tally.faults]

    def run(self, seconds: float) -> None:
        """Runs for so long, and at least a round of each torment; the rounds that are under way then are waited for."""
        until = time.monotonic() + seconds
        with ExitStack() as stack:
            workers = [Worker() for _ in range(self.jobs)]
            for each in workers:
                stack.callback(each.end)
            while True:
                in_time = time.monotonic() < until
                for each in workers:
                    if each.task is None:
                        self._begin(each, in_time)
                busy = [each for each in workers if each.task]
                if not busy:
                    return
                self._await(busy)
                self.told(self)

    def _begin(self, worker: Worker, in_time: bool) -> None:
        due = [each for each in self.tallies.values() if self._open(each) and (in_time or not each.begun)]
        tally = min(due, key=lambda each: each.turn, default=None)
        if tally is None:
            return
        number = tally.begun if self.rounds is None else self.rounds[tally.begun]
        tally.begun += 1
        tally.spent_s += 1e-3  # so that several workers do not all begin with the same
        worker.begin(tally.torment, self.seed, number)

    def _open(self, tally: Tally) -> bool:
        return self.rounds is None or tally.begun < len(self.rounds)

    def _await(self, busy: Sequence[Worker]) -> None:
        ready = wait([each.connection for each in busy], timeout=1.0)
        for each in busy:
            if each.task and (each.connection in ready or each.overdue()):
                task = each.task
                self._count(task, each.outcome())

    def _count(self, task: Task, outcome: Outcome) -> None:
        tally, took_s = self.tallies[task.torment.name], time.monotonic() - task.started
        tally.rounds += 1
        tally.spent_s += took_s
        tally.longest_s = max(tally.longest_s, took_s)
        if outcome.problem:
            name = task.torment.name
            command = again(self.seed, name, task.number)
            found = Found(name, task.number, outcome.problem, command, outcome.files)
            tally.kinds[found.kind] += 1
            if tally.kinds[found.kind] <= MOST_ALIKE:
                tally.faults.append(found)
                self.met(found)
