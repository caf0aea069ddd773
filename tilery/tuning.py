"""Tuning and simulating from Python, as functions."""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .backends.tunable import Choice
from .dsl import program
from .dsl.errors import UsageError
from .kernel import Kernel
from .python import checks
from .request import DEFAULT_CHIP, Given, known_names
from .tuner.results.store import TunedFile

if TYPE_CHECKING:
    from .backends.machine.time.summary import Report
    from .tuner.measured.campaign import Measure
    from .tuner.progress import Watcher
    from .tuner.result import Result
    from .tuner.strategy import Strategy


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
    sampler: str | type[Strategy] | None = None,
    seed: int = 0,
    measure: str | Measure | None = None,
    measure_timeout: str | float | None = None,
    storage: str | None = None,
    jobs: int = 1,
    grace: str | float | None = None,
    resume: bool = False,
    output: str | Path | None = None,
    save: bool = True,
    progress: Watcher | None = None,
    **unknown: Any,
) -> Result:
    """Finds the fastest configuration of a kernel for one shape on one chip, checks it, and writes it to the results file.

    `cores` of the chip share the work; what is found for one number of them is an entry of its own.
    `shapes` holds the dimensions, element types (bf16 if left out) and constants, e.g. `dict(M=2048, K=4096, N=14336)`.
    `budget` (`"30s"`, `"2m"`, `"200 trials"`, or seconds) and `trials` bound the search, whichever ends first; with neither it
    takes 20 s, or 5 min of measurements. Ctrl-C keeps what was found.
    `objective` is `latency`, `energy`, `cost` or `error`, or several with commas between, whose front is then in `result.front`.
    Element types that the text leaves to a `tune` are searched where `max_error` bounds the error, or `error` is an objective.
    `sampler` names a search strategy or is the class of one (docs/tuning.md); left out, each way of tuning has its own.
    `measure` takes the place of the model: a function of a configuration that gives its latency in microseconds, or a command
    line that is given it as JSON (docs/measuring.md), which may take `measure_timeout`.
    `storage` (`"sqlite:///x.db"`, `"journal:x"`, ..., docs/machines.md) keeps the trials and shares them with whoever tunes the
    same; `jobs` processes of this machine work on it, and one that is silent for `grace` (60 s) loses its trial to another.
    `resume` goes on from what is stored, or without a storage from the tuned entry, and raises `UsageError` if there is nothing.
    `output` names another results file than the one beside the kernel's text.
    Raises `UsageError`, also for options that do not go together, `Infeasible` if nothing fits the chip, `ResultsError` if the
    file cannot be read or written.
    """
    from .python.tuning_options import function_of, no_others, read_options

    began_s = time.monotonic()
    no_others(autotune, unknown, (name for name in inspect.signature(autotune).parameters if name not in ("kernel", "unknown")))
    checks.kernel(kernel, Kernel)
    pipeline = kernel.pipeline(shapes, chip)
    checks.whole("cores", cores, 1)
    pipeline.cores = cores
    if output is not None:
        pipeline.store = TunedFile(checks.path("output", output))
    options = read_options(
        began_s,
        budget=budget,
        trials=trials,
        objective=objective,
        max_error=max_error,
        sampler=sampler,
        seed=seed,
        measure=measure,
        measure_timeout=measure_timeout,
        storage=storage,
        jobs=jobs,
        grace=grace,
        resume=resume,
    )
    result = pipeline.tune(options, measure=function_of(measure), progress=progress)
    if save:
        pipeline.save(result)
        kernel.forget()
    return result


def misplaced(names: Mapping[str, Given], signature: program.Signature) -> None:
    """Raises `UsageError` if an option of `autotune` is among the names given to a kernel's own method."""
    known, options = known_names(signature), inspect.signature(autotune).parameters
    for name in names:
        if name in options and name not in known:
            raise UsageError(f"`{name}` is an option of tilery.autotune(kernel, shapes=..., {name}=...), not of kernel.autotune")


def simulate(
    kernel: Kernel,
    chip: str = DEFAULT_CHIP,
    *,
    config: Mapping[str, Choice] | None = None,
    what_if: Sequence[str] = (),
    cores: int = 1,
    launch: bool = False,
    **names: Given,
) -> Report:
    """The same as `kernel.simulate(...)`."""
    checks.kernel(kernel, Kernel)
    return kernel.simulate(chip, config=config, what_if=what_if, cores=cores, launch=launch, **names)
