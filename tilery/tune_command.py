"""`tilery autotune`: search, verify, write."""

from __future__ import annotations

from .backends import engine
from .console import console, print_json
from .duration import seconds
from .opening import open_kernel, read_names
from .progress import watching
from .request import make_request
from .tune_page import print_result, print_written, tile_names
from .tuner.store import TunedFile
from .tuning import save_result, tune


def autotune(
    file: str,
    names: tuple[str, ...],
    chip: str,
    as_json: bool,
    budget: str,
    trials: int | None,
    objective: str,
    sampler: str,
    seed: int,
    output: str | None,
) -> None:
    """Tunes one kernel for one shape and chip, prints the winner and writes its entry."""
    kernel = open_kernel(file)
    request = make_request(kernel.definition, read_names(names), chip)
    store = TunedFile(output) if output else kernel.tuned
    # A results file that cannot be understood is told now, not after the search.
    entries = store.read()
    with watching(console(error=True)) as watch:
        result = tune(
            request,
            entries,
            budget_s=seconds(budget),
            trials=trials,
            objective=objective,
            sampler=sampler,
            seed=seed,
            progress=None if as_json else watch,
        )
    out = console()
    if as_json:
        print_json(result)
    else:
        print_result(out, request, result, tile_names(engine.tunables(request.kernel, request.dims, request.chip)))
    save_result(request, result, store)
    if not as_json:
        print_written(out, request, store.path, file)
