"""Tuning and simulating from Python, as functions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .backends.tunable import Choice
from .command.shared.duration import USUAL, USUAL_MEASURED, left_of, read_budget, seconds
from .kernel import Kernel
from .python import checks
from .request import DEFAULT_CHIP, Given
from .tuner.results.store import TunedFile

if TYPE_CHECKING:
    from .backends.machine.time.summary import Report
    from .tuner.measured.campaign import Measure
    from .tuner.progress import Watcher
    from .tuner.result import Result


def autotune(
    kernel: Kernel,
    *,
    chip: str = DEFAULT_CHIP,
    cores: int = 1,
    shapes: Mapping[str, Given],
    budget: str | float | None = None,
    trials: int | None = None,
    objective: str = "latency",
    max_error: float | None = None,
    sampler: str | None = None,
    seed: int = 0,
    measure: str | Measure | None = None,
    measure_timeout: str | float | None = None,
    storage: str | None = None,
    jobs: int = 1,
    grace: str | float = "60s",
    resume: bool = False,
    output: str | Path | None = None,
    save: bool = True,
    progress: Watcher | None = None,
) -> Result:
    """Finds the fastest configuration of a kernel for one shape on one chip, checks it, and writes it to the results file.

    `cores` of the chip share the work; what is found for one number of them is an entry of its own.
    `shapes` holds the dimensions, element types (bf16 if left out) and constants, e.g. `dict(M=2048, K=4096, N=14336)`.
    `budget` (`"30s"`, `"2m"`, `"200 trials"`, or seconds) and `trials` bound the search, whichever ends first; with neither it
    takes 20 s, or 5 min of measurements. Ctrl-C keeps what was found.
    `objective` is `latency`, `energy`, `cost` or `error`, or several with commas between, whose front is then in `result.front`.
    Element types that the text leaves to a `tune` are searched where `max_error` bounds the error, or `error` is an objective.
    `measure` takes the place of the model: a function of a configuration that gives its latency in microseconds, or a command
    line that is given it as JSON (docs/measuring.md), which may take `measure_timeout`.
    `storage` (`"sqlite:///x.db"`, `"journal:x"`, ..., docs/machines.md) keeps the trials and shares them with whoever tunes the
    same; `jobs` processes of this machine work on it, and one that is silent for `grace` loses its trial to another. `resume`
    goes on from what is stored, or without a storage from the tuned entry, and raises `UsageError` if there is nothing.
    `output` names another results file than the one beside the kernel's text.
    Raises `UsageError`, `Infeasible` if nothing fits the chip, `ResultsError` if the file cannot be read or written.
    """
    from .command.together.jobs import Jobs

    began_s = time.monotonic()
    checks.kernel(kernel, Kernel)
    pipeline = kernel.pipeline(shapes, chip)
    checks.whole("cores", cores, 1)
    checks.text("objective", objective)
    pipeline.cores = cores
    if output is not None:
        pipeline.store = TunedFile(checks.path("output", output))
    if storage is not None:
        checks.text("storage", storage)
    if measure is not None and not callable(measure):
        checks.text("measure", measure)
    budget_s, most = read_budget(budget, trials, USUAL_MEASURED if measure else USUAL)
    result = pipeline.tune(
        objective=objective,
        max_error=max_error,
        sampler=sampler,
        budget_s=left_of(budget_s, began_s),
        trials=most,
        seed=seed,
        measure=measure,
        measure_timeout_s=seconds(measure_timeout) if measure_timeout is not None else None,
        jobs=Jobs(storage, jobs, resume, max(1, round(seconds(grace)))),
        progress=progress,
    )
    if save:
        pipeline.save(result)
        kernel.forget()
    return result


def simulate(
    kernel: Kernel,
    chip: str = DEFAULT_CHIP,
    *,
    config: Mapping[str, Choice] | None = None,
    what_if: Sequence[str] = (),
    cores: int = 1,
    **names: Given,
) -> Report:
    """The same as `kernel.simulate(...)`."""
    checks.kernel(kernel, Kernel)
    return kernel.simulate(chip, config=config, what_if=what_if, cores=cores, **names)
