"""`tilery autotune`: search, verify, write."""

from __future__ import annotations

import importlib.util
import shlex
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from .shared.options import SEED, cores_option, options, shape_options, what_if_option

if TYPE_CHECKING:
    from tilery.pipeline import Pipeline
    from tilery.tuner.findings import Findings
    from tilery.tuner.result import Result

    from .shared.group import Invocation

CUT_SHORT = {"interrupted": 130, "disconnected": 1}
"""The exit codes of tunings that somebody has ended, or that have lost their storage."""


@click.command(epilog="\b\nExample:\n  tilery autotune kernels/matmul.tk M=2048 K=4096 N=14336 T=bf16 --budget 30s")
@options(shape_options, what_if_option, cores_option)
@click.option("--budget", metavar="BUDGET", help="30s, 5m, 1h, 200 trials, or both; 20s (5m with --measure) if left out.")
@click.option("--trials", type=click.IntRange(min=1), help="How many configurations to time at most.")
@click.option("--objective", default="latency", show_default=True, help="latency, energy, cost, error; several: a,b.")
@click.option("--max-error", type=click.FloatRange(min=0, min_open=True), help="Search element types whose error is below.")
@click.option("--plot", metavar="FILE.png", help="With two objectives or more: draw the front.")
@click.option("--report", metavar="FILE.html", help="Write a page with all that was found: convergence, what mattered, timeline.")
@click.option("--sampler", help="tpe, random, gp, cmaes, nsga2, brute; with --measure also surrogate, descent.")
@click.option("--measure", metavar="COMMAND", help="Measure: JSON on its standard input, microseconds on its standard output.")
@click.option("--measure-timeout", metavar="TIME", help="How long one measurement may take.")
@click.option(
    "--storage", metavar="URL", help="Keep the trials, and share them: sqlite:///x.db, journal:FILE, postgresql://, grpc://."
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Processes of this machine.")
@click.option("--grace", default="60s", show_default=True, metavar="TIME", help="After what silence a worker counts as dead.")
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
    budget: str | None,
    trials: int | None,
    objective: str,
    max_error: float | None,
    plot: str | None,
    report: str | None,
    sampler: str | None,
    seed: int,
    output: str | None,
    measure: str | None,
    measure_timeout: str | None,
    storage: str | None,
    jobs: int,
    grace: str,
    resume: bool,
) -> None:
    """Search, verify, and write the tuned entry."""
    from tilery.dsl.errors import UsageError
    from tilery.pages.console import console, print_json
    from tilery.pages.progress_page import watching
    from tilery.pages.tune_page import print_result, print_written
    from tilery.tuner.interrupts import Interrupted, held
    from tilery.tuner.objectives import read_objectives
    from tilery.tuner.results.store import TunedFile

    from .shared.duration import USUAL, USUAL_MEASURED, left_of, read_budget, seconds
    from .shared.opening import open_pipeline
    from .together.continuing import continuing
    from .together.jobs import Jobs

    pipeline = open_pipeline(file, names, chip, what_if=what_if)
    pipeline.cores = cores
    if output:
        pipeline.store = TunedFile(output)
    if plot and len(read_objectives(objective)) < 2:
        raise UsageError("--plot draws the front of several objectives: name them, as in --objective latency,energy")
    if report:
        check_report(measure)
    if measure_timeout and not measure:
        raise UsageError("--measure-timeout says how long a command of --measure may take, and there is none")
    budget_s, most = read_budget(budget, trials, USUAL_MEASURED if measure else USUAL)
    called: Invocation = click.get_current_context().obj
    kept: list[Findings] = []
    # `tune` reads the results file first: one that cannot be understood is told now, not after the search.
    with ExitStack() as ending:
        with watching(console(error=True)) as watch:
            try:
                result = pipeline.tune(
                    objective=objective,
                    max_error=max_error,
                    keep=kept.append,
                    sampler=sampler,
                    budget_s=left_of(budget_s, called.began_s),
                    trials=most,
                    seed=seed,
                    measure=measure,
                    measure_timeout_s=seconds(measure_timeout) if measure_timeout else None,
                    jobs=Jobs(storage, jobs, resume, max(1, round(seconds(grace)))),
                    progress=None if as_json else watch,
                )
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
            print_written(out, pipeline, file, continuing(called.words, result, storage))
    if plot:
        from tilery.draw.plot_front import save_front

        save_front(result, plot, pipeline.request.title)
    if report:
        from tilery.draw.report_page import write_report

        spent = f"--trials {most}" if most else f"--budget {budget_s:g}s"
        write_report(pipeline, kept[0], result, reproducing(pipeline, file, result, sampler, spent), report)
    if code := CUT_SHORT.get("interrupted" if end.asked else result.stop):
        click.get_current_context().exit(code)  # what was found is kept, and yet whoever started it is told


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
