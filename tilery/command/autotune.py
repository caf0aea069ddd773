"""`tilery autotune`: search, verify, write."""

from __future__ import annotations

import importlib.util
import shlex
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from .shared.parameters import SEED, cores_option, shape_options, what_if_option
from .shared.parameters import options as several
from .shared.sampler import sampler_option

if TYPE_CHECKING:
    from tilery.pipeline import Pipeline
    from tilery.tuner.findings import Findings
    from tilery.tuner.result import Result

    from .shared.group import Invocation

CUT_SHORT = {"interrupted": 130, "disconnected": 1}
"""The exit codes of tunings that were interrupted, or that lost their storage."""


@click.command(epilog="\b\nExample:\n  tilery autotune kernels/matmul.tk M=2048 K=4096 N=14336 T=bf16 --budget 30s")
@several(shape_options, what_if_option, cores_option)
@click.option("--budget", metavar="BUDGET", help="30s, 5m, 1h, 200 trials, or both; 20s (5m with --measure) if left out.")
@click.option("--trials", type=click.IntRange(min=1), help="How many configurations to time at most.")
@click.option("--objective", default="latency", show_default=True, help="latency, energy, cost, error; several: a,b.")
@click.option("--max-error", type=click.FloatRange(min=0, min_open=True), help="Search element types whose error is below.")
@click.option("--plot", metavar="FILE.png", help="With two objectives or more: draw the front.")
@click.option("--report", metavar="FILE.html", help="Write a page with all that was found: convergence, what mattered, timeline.")
@sampler_option
@click.option("--measure", metavar="COMMAND", help="Measure: JSON on its standard input, microseconds on its standard output.")
@click.option("--measure-timeout", metavar="TIME", help="How long one measurement may take.")
@click.option(
    "--storage", metavar="URL", help="Keep the trials, and share them: sqlite:///x.db, journal:FILE, postgresql://, grpc://."
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Processes of this machine.")
@click.option("--grace", metavar="TIME", help="After what silence a worker counts as dead; 60s if left out.")
@click.option("--continue", "resume", is_flag=True, help="Go on from what is stored, or from the tuned entry.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seeds the search and the arguments of the verification.")
@click.option("--output", metavar="FILE", help="Results file to write, instead of the one beside FILE.")
def autotune(
    file: str,
    names: tuple[str, ...],
    chip: str,
    what_if: tuple[str, ...],
    as_json: bool,
    cores: int,
    plot: str | None,
    report: str | None,
    output: str | None,
    **asked: Any,
) -> None:
    """Search, verify, and write the tuned entry."""
    from tilery.dsl.errors import UsageError
    from tilery.pages.console import console, print_json
    from tilery.pages.progress_page import watching
    from tilery.pages.tune_page import print_result, print_written
    from tilery.python.tuning_options import read_options
    from tilery.tuner.interrupts import Interrupted, held
    from tilery.tuner.results.store import TunedFile

    from .shared.opening import open_pipeline
    from .together.continuing import continuing

    pipeline = open_pipeline(file, names, chip, what_if=what_if)
    pipeline.cores = cores
    if output:
        pipeline.store = TunedFile(output)
    called: Invocation = click.get_current_context().obj
    options = read_options(called.began_s, **asked)
    if plot and len(options.objectives) < 2:
        raise UsageError("--plot draws the front of several objectives: name them, as in --objective latency,energy")
    if report:
        check_report(options.measure)
    kept: list[Findings] = []
    # `tune` reads the results file first: one that cannot be understood is told now, not after the search.
    with ExitStack() as ending:
        with watching(console(error=True)) as watch:
            try:
                result = pipeline.tune(options, progress=None if as_json else watch, keep=kept.append)
            except KeyboardInterrupt:
                raise Interrupted("interrupted before anything was found to be right, so nothing was written") from None
            end = ending.enter_context(held())
        out = console()
        if as_json:
            print_json(result)
        else:
            print_result(out, pipeline, result)
        # Shown before it is written: a folder that cannot be written to must not cost the result.
        pipeline.save(result)
        if not as_json:
            print_written(out, pipeline, file, continuing(called.words, result, options.storage))
    if plot:
        from tilery.draw.plot_front import save_front

        save_front(result, plot, pipeline.request.title)
    if report:
        reported(report, pipeline, kept[0], result, reproducing(pipeline, file, result, options.sampler, spent(**asked)))
    if code := CUT_SHORT.get("interrupted" if end.asked else result.stop):
        click.get_current_context().exit(code)  # what was found is kept, and yet whoever started it is told


def reported(path: str, pipeline: Pipeline, found: Findings, result: Result, again: str) -> None:
    """Writes the page; `again` is the command that tunes the same again."""
    from tilery.draw.report_page import write_report

    write_report(pipeline, found, result, again, path)


def spent(budget: str | None, trials: int | None, **others: object) -> str:
    """The budget, as a command line says it."""
    from .shared.duration import USUAL

    return f"--trials {trials}" if trials else f"--budget {shlex.quote(budget or USUAL)}"


def check_report(measure: str | None) -> None:
    """`UsageError` if there can be no report: said before the search, not after it."""
    from tilery.dsl.errors import UsageError

    if measure:
        raise UsageError("--report is about a search by the model: leave --measure out, or the report")
    for package in ("jinja2", "matplotlib"):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"--report needs {package}, which is not installed: pip install 'tilery[plot]'")


def reproducing(pipeline: Pipeline, file: str, result: Result, sampler: str | None, budget: str) -> str:
    """The command that tunes the same again."""
    words = [f"tilery autotune {shlex.quote(file)} {pipeline.request.arguments} {pipeline.chip_words}{pipeline.cores_words}"]
    if result.objective != "latency":
        words.append(f"--objective {result.objective}")
    if result.max_error_allowed is not None:
        words.append(f"--max-error {result.max_error_allowed:g}")
    if sampler:
        words.append(f"--sampler {sampler}")
    if result.seed:
        words.append(f"--seed {result.seed}")
    return " ".join([*words, budget])
