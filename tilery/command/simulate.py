"""`tilery simulate`: the prediction as a page or as JSON, and on request its trace and its picture."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tilery.dsl.errors import UsageError
from tilery.pages.console import console, echo, print_json
from tilery.pages.run_page import identity
from tilery.pages.simulation_page import figures, print_simulation
from tilery.pipeline import Pipeline

from .shared.opening import open_pipeline


def simulate(
    file: str,
    names: tuple[str, ...],
    chip: str,
    what_if: tuple[str, ...],
    as_json: bool,
    choices: tuple[str, ...],
    tuned: str | None,
    trace: str | None,
    plot: str | None,
    cores: int,
) -> None:
    """Prints the prediction for one configuration; writes what `--trace` and `--plot` name."""
    pipeline = open_pipeline(file, names, chip, choices, tuned, what_if)
    pipeline.cores = cores
    if as_json:
        print_json({**identity(pipeline), **figures(pipeline)})
    else:
        print_simulation(console(), pipeline)
    if trace:
        _write(trace, _trace(pipeline))
        echo(f"trace written to {trace}: open it at https://ui.perfetto.dev or in chrome://tracing", error=True)
    if plot:
        from tilery.draw.plot import write_plot

        write_plot(pipeline, plot)
        echo(f"picture written to {plot}", error=True)


def _trace(pipeline: Pipeline) -> bytes:
    from tilery.backends.machine.explain.recording import record
    from tilery.backends.machine.explain.trace import trace

    return msgspec.json.encode(trace(pipeline.lowered, record(pipeline.lowered)))


def _write(path: str, data: bytes) -> None:
    try:
        Path(path).write_bytes(data)
    except OSError as problem:
        raise UsageError(f"cannot write {path}: {problem.strerror or problem}") from problem
