"""The options of a tuning: one record from the command line and from Python to the workers, checked in one place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tilery.backends.tunable import Choice
from tilery.dsl.errors import UsageError

from .objectives import read_objectives

ELSEWHERE = "define it at the top of a module that can be imported, or leave --jobs out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Plain data, so that it can be sent to another process as JSON. What it may hold together, `check` says."""

    objective: str = "latency"
    """One of `objectives.NAMES`, or several with commas between."""
    max_error: float | None = None
    """The largest error against the reference, relative to the scale of the result; None leaves element types as they are."""
    sampler: str | None = None
    """The name of a strategy; None for what the way of tuning takes by itself."""
    budget_s: float | None = None
    """How long the whole tuning may take; None for no limit."""
    trials: int | None = None
    """How many configurations are timed at most; None for no limit."""
    seed: int = 0
    seeds: tuple[dict[str, Choice], ...] = ()
    """Configurations to start from, adapted to this shape."""
    measure: str | None = None
    """The command line that measures, in place of the model."""
    measure_timeout_s: float | None = None
    """How long one measurement of it may take."""
    storage: str | None = None
    """The URL of the storage that keeps the trials."""
    jobs: int = 1
    """How many processes of this machine work on it."""
    grace_s: int | None = None
    """After how long a silent worker counts as dead; None for the usual."""
    resume: bool = False
    """Whether it goes on from what is there, which has to be there."""

    @property
    def objectives(self) -> tuple[str, ...]:
        """By name; `UsageError` for an unknown one."""
        return read_objectives(self.objective)

    def check(self, *, cores: int = 1, function: bool = False) -> None:
        """`UsageError` for an option that the wanted way of tuning cannot honour: it is refused, and never ignored.

        `function` says that a function of Python measures, in this process.
        """
        measured = function or self.measure is not None
        for clash in self._clashes(measured, function, cores):
            raise UsageError(clash)
        if self.sampler is not None:
            from .registry import check, importable

            if self.jobs > 1 and not importable(self.sampler):
                raise UsageError(f"other processes cannot find the strategy {self.sampler}\nhelp: {ELSEWHERE}")
            check(self.sampler, len(self.objectives), bounds=True)

    def _clashes(self, measured: bool, function: bool, cores: int) -> Iterator[str]:
        if measured and self.objective != "latency":
            yield f"what is measured is latency, and cannot be searched for {self.objective}\nhelp: leave --objective out"
        if measured and cores > 1:
            yield "what measures decides itself how many cores it uses: leave out the cores, or the measuring"
        if function and self.jobs > 1:
            yield "a function of Python measures in its own process; for several jobs, measure with a command"
        if function and self.measure_timeout_s is not None:
            yield "a timeout is for a command; a function has to see to its time itself"
        if self.measure_timeout_s is not None and not measured:
            yield "--measure-timeout says how long a command of --measure may take, and there is none"
        if self.objectives != ("latency",) and (self.storage is not None or self.jobs > 1):
            yield f"searches for {self.objective} cannot be shared yet; leave --storage and --jobs out"
        if self.grace_s is not None and self.storage is None and self.jobs == 1:
            yield "--grace says when a silent worker counts as dead, and there are no others: it goes with --jobs or --storage"
