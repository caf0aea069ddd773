"""`tilery freeze`: a copy of a kernel that needs no tuned entry for its tile sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .shared.parameters import chip_option, debug_option, file_argument, names_argument, options, set_option, tuned_option

if TYPE_CHECKING:
    from tilery.pipeline import Pipeline
    from tilery.tuner.results.entry import Entry


@click.command(epilog="\b\nExample:\n  tilery freeze kernels/matmul.tk M=2048 K=4096 N=14336 -o mine/matmul.tk")
@options(file_argument, names_argument, chip_option, set_option, tuned_option, debug_option)
@click.option("-o", "--output", metavar="FILE", help="Write the copy there, and the schedule beside it; else print the text.")
def freeze(file: str, names: tuple[str, ...], chip: str, choices: tuple[str, ...], tuned: str | None, output: str | None) -> None:
    """The kernel's text with its tile sizes written in."""
    from pathlib import Path

    from tilery import dsl
    from tilery.dsl.errors import UsageError
    from tilery.freezing import frozen
    from tilery.library import load
    from tilery.pages.console import echo, echo_file
    from tilery.writing import writing

    from .shared.opening import open_pipeline, read_names

    pipeline = open_pipeline(file, names, chip, choices, tuned)
    text = frozen(pipeline.definition, pipeline.config)
    if pipeline.note:
        echo(f"note: {pipeline.note}", error=True)
    if output is None:
        echo_file(text)
        return
    path = Path(output)
    if path.resolve() == Path(pipeline.definition.kernel.span.source.name).resolve():
        raise UsageError(f"{output} is the kernel itself; freeze it into another file")
    dsl.parse(text, output, path)  # before it is written: a copy elsewhere may not find what it takes `from` other files
    with writing(output):
        path.write_text(text, encoding="utf-8")
    copy = load(path)[pipeline.program.name].pipeline(read_names(names), chip)
    copy.store.write(_entry(pipeline, copy))
    echo(f"{output}: tile sizes written in; {copy.store.path}: the schedule, for {copy.request.title}")


def _entry(pipeline: Pipeline, copy: Pipeline) -> Entry:
    """The configuration's knobs as the copy's entry, verified and timed anew."""
    from importlib.metadata import version

    from tilery.dsl.errors import UsageError
    from tilery.tuner.results.entry import Entry, key_of, prints_of
    from tilery.tuner.verify.execution import verify
    from tilery.tuner.verify.verification import nothing_proven

    space = {each.name: each for each in copy.settable}
    config = {name: value for name, value in pipeline.config.items() if name in space}
    copy.overrides = config
    report, checked = copy.report, verify(copy.program, copy.dims, copy.chip, config, seed=0)
    if checked.unproven:
        raise nothing_proven(copy.program, checked.unproven)
    if not checked.ok:
        raise UsageError(f"the copy gives wrong values: {checked.problem}")
    return Entry(
        key=key_of(copy.program, copy.dims, copy.chip, copy.cores),
        prints=prints_of(copy.program, copy.chip),
        objective="latency",
        config=config,
        latency_us=report.latency_us,
        bound=report.bound,
        peak_share=report.peak_share,
        default_latency_us=report.latency_us,
        max_error=checked.max_error,
        tolerance=checked.tolerance,
        space=1,
        feasible=1,
        evaluated=1,
        stop="frozen",
        runners_up=[],
        tilery=version("tilery"),
    )
