"""`tilery simulate`: the prediction as a page or as JSON, and on request its trace and its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .shared.parameters import cores_option, launch_option, options, set_option, shape_options, tuned_option, what_if_option

if TYPE_CHECKING:
    from tilery.pipeline import Pipeline


@click.command(epilog="\b\nExample:\n  tilery simulate kernels/matmul.tk M=2048 K=4096 N=14336 T=bf16 --set m=256")
@options(shape_options, set_option, tuned_option, what_if_option, cores_option, launch_option)
@click.option("--trace", metavar="FILE.json", help="Write a timeline for Perfetto (ui.perfetto.dev).")
@click.option("--plot", metavar="FILE.png", help="Draw the timeline, the roofline and where the time goes.")
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
    launch: bool,
) -> None:
    """Predicted latency, what bounds it, engines, memory."""
    from tilery.pages.console import console, echo, print_json
    from tilery.pages.run_page import identity
    from tilery.pages.simulation_page import figures, print_simulation

    from .shared.opening import open_pipeline

    pipeline = open_pipeline(file, names, chip, choices, tuned, what_if)
    pipeline.cores, pipeline.launch = cores, launch
    if as_json:
        print_json({**identity(pipeline), **figures(pipeline)})
    else:
        print_simulation(console(), pipeline)
    if trace:
        _write_trace(trace, pipeline)
        echo(f"trace written to {trace}: open it at https://ui.perfetto.dev or in chrome://tracing", error=True)
    if plot:
        from tilery.draw.plot import write_plot

        write_plot(pipeline, plot)
        echo(f"picture written to {plot}", error=True)


def _write_trace(path: str, pipeline: Pipeline) -> None:
    from pathlib import Path

    import msgspec

    from tilery.backends.machine.explain.recording import record
    from tilery.backends.machine.explain.trace import trace
    from tilery.writing import writing

    data = msgspec.json.encode(trace(pipeline.lowered, record(pipeline.lowered)))
    with writing(path):
        Path(path).write_bytes(data)
