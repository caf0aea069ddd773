"""Tuning and simulating from Python."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from .backends.tunable import Choice
from .duration import seconds
from .kernel import Kernel
from .request import DEFAULT_CHIP, Given, Request, make_request
from .tuner.autotune import autotune as search_and_verify
from .tuner.entry import Entry, entry_of, key_of, prints_of
from .tuner.result import Result
from .tuner.store import TunedFile

if TYPE_CHECKING:
    from .backends.engine import Report
    from .tuner.search import Watcher


def autotune(
    kernel: Kernel,
    *,
    chip: str = DEFAULT_CHIP,
    shapes: Mapping[str, Given],
    budget: str | float | None = "20s",
    trials: int | None = None,
    objective: str = "latency",
    sampler: str = "tpe",
    seed: int = 0,
    output: str | Path | None = None,
    save: bool = True,
    progress: Watcher | None = None,
) -> Result:
    """Finds the fastest configuration of a kernel for one shape on one chip, checks it, and writes it to the results file.

    `shapes` holds the dimensions, element types (bf16 if left out) and constants, e.g. `dict(M=2048, K=4096, N=14336)`.
    `budget` (`"30s"`, `"2m"`, seconds, or None) and `trials` bound the search, whichever ends first; Ctrl-C keeps what was
    found. `output` names another results file than the one beside the kernel's text.
    Raises `UsageError`, `Infeasible` if nothing fits the chip, `ResultsError` if the file cannot be read or written.
    """
    request = make_request(kernel.definition, shapes, chip)
    file = TunedFile(output) if output else kernel.tuned
    result = tune(
        request,
        file.read(),
        budget_s=seconds(budget) if budget is not None else None,
        trials=trials,
        objective=objective,
        sampler=sampler,
        seed=seed,
        progress=progress,
    )
    if save:
        save_result(request, result, file)
        kernel.forget()
    return result


def tune(
    request: Request,
    entries: list[Entry],
    *,
    budget_s: float | None,
    trials: int | None,
    objective: str,
    sampler: str,
    seed: int,
    progress: Watcher | None,
) -> Result:
    """Searches and verifies, starting from what earlier tunings of this kernel found; writes nothing."""
    known = [each.config for each in entries if each.key.kernel == request.kernel.name]
    return search_and_verify(
        request.kernel,
        request.dims,
        request.chip,
        objective=objective,
        sampler=sampler,
        budget_s=budget_s,
        trials=trials,
        seed=seed,
        seeds=known,
        progress=progress,
    )


def save_result(request: Request, result: Result, file: TunedFile) -> Entry:
    """Writes a result to its file and returns the entry."""
    key, prints = key_of(request.kernel, request.dims, request.chip), prints_of(request.kernel, request.chip)
    entry = entry_of(result, key, prints, version("tilery"))
    file.write(entry)
    return entry


def simulate(kernel: Kernel, chip: str = DEFAULT_CHIP, *, config: Mapping[str, Choice] | None = None, **names: Given) -> Report:
    """The same as `kernel.simulate(...)`."""
    return kernel.simulate(chip, config=config, **names)
