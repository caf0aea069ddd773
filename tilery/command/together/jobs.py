"""`--storage` and `--jobs`: whom a tuning shares its study with."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tilery.backends.tunable import Choice
from tilery.dsl.errors import UsageError
from tilery.tuner.together.sharing import GRACE_S, Sharing

from .crew import Crew

if TYPE_CHECKING:
    from tilery.pipeline import Pipeline


@dataclass(frozen=True)
class Jobs:
    """What is asked for."""

    storage: str | None = None
    """A storage's URL."""
    count: int = 1
    """How many processes of this machine work on it."""
    resume: bool = False
    """Whether something has to be there already."""
    grace_s: int = GRACE_S


@contextmanager
def sharing(
    jobs: Jobs,
    pipeline: Pipeline,
    measure: str | Callable[[Mapping[str, Choice]], float] | None,
    measure_timeout_s: float | None,
    options: Mapping[str, Any],
) -> Iterator[Sharing]:
    """How a tuning with these options shares its study.

    Several processes without a storage get a journal file that is gone afterwards: a file that stays is one that the user
    has named. `UsageError` for a function in other processes, which only a command can reach.
    """
    if jobs.count == 1:
        yield Sharing(jobs.storage, jobs.grace_s, jobs.resume)
        return
    if callable(measure):
        raise UsageError("a function of Python measures in its own process; for several jobs, measure with a command")
    with tempfile.TemporaryDirectory(prefix="tilery-") as folder:
        url = jobs.storage or f"journal:{folder}/study.journal"
        common = {
            "file": pipeline.definition.kernel.span.source.name,
            "kernel": pipeline.program.name,
            "given": dict(pipeline.given),
            "chip": pipeline.chip_name,
            "cores": pipeline.cores,
            "what_if": list(pipeline.what_if),
            "measure": measure,
            "measure_timeout_s": measure_timeout_s,
            "url": url,
            "grace_s": jobs.grace_s,
        }
        plain = {name: options.get(name) for name in ("sampler", "budget_s", "trials", "seeds", "max_error")}
        # Each with a seed of its own: they shall not have the same ideas.
        tasks = [common | {"options": plain | {"seed": options["seed"] + 1 + place}} for place in range(jobs.count - 1)]
        yield Sharing(url, jobs.grace_s, jobs.resume and jobs.storage is not None, Crew(tasks))
