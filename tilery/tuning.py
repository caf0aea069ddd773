"""Tuning and simulating from Python, as functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .backends.tunable import Choice
from .duration import seconds
from .kernel import Kernel
from .request import DEFAULT_CHIP, Given
from .tuner.store import TunedFile

if TYPE_CHECKING:
    from .backends.engine import Report
    from .tuner.progress import Watcher
    from .tuner.result import Result


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
    pipeline = kernel.pipeline(shapes, chip)
    if output:
        pipeline.store = TunedFile(output)
    result = pipeline.tune(
        objective=objective,
        sampler=sampler,
        budget_s=seconds(budget) if budget is not None else None,
        trials=trials,
        seed=seed,
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
    **names: Given,
) -> Report:
    """The same as `kernel.simulate(...)`."""
    return kernel.simulate(chip, config=config, what_if=what_if, **names)
