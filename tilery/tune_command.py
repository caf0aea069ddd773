"""`tilery autotune`: search, verify, write."""

from __future__ import annotations

from .console import console, print_json
from .duration import seconds
from .opening import open_pipeline
from .progress import watching
from .tune_page import print_result, print_written
from .tuner.store import TunedFile


def autotune(
    file: str,
    names: tuple[str, ...],
    chip: str,
    what_if: tuple[str, ...],
    as_json: bool,
    budget: str,
    trials: int | None,
    objective: str,
    sampler: str,
    seed: int,
    output: str | None,
) -> None:
    """Tunes one kernel for one shape and chip, prints the winner and writes its entry."""
    pipeline = open_pipeline(file, names, chip, what_if=what_if)
    if output:
        pipeline.store = TunedFile(output)
    # `tune` reads the results file first: one that cannot be understood is told now, not after the search.
    with watching(console(error=True)) as watch:
        result = pipeline.tune(
            objective=objective,
            sampler=sampler,
            budget_s=seconds(budget),
            trials=trials,
            seed=seed,
            progress=None if as_json else watch,
        )
    out = console()
    if as_json:
        print_json(result)
    else:
        print_result(out, pipeline, result)
    # Shown before it is written: a folder that cannot be written to must not cost the result.
    pipeline.save(result)
    if not as_json:
        print_written(out, pipeline, file)
