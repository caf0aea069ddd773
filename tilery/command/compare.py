"""`tilery compare`: one kernel on several chips, each with its own best configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from .shared.parameters import (
    debug_option,
    file_argument,
    json_option,
    launch_option,
    names_argument,
    options,
    tuned_option,
    what_if_option,
)

if TYPE_CHECKING:
    from tilery.backends.tunable import Choice
    from tilery.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Row:
    """A kernel on one chip. Fields without a published number, or that cannot be computed, are None."""

    chip: str
    title: str
    cores: int
    """How many cores work on it."""
    latency_us: float | None = None
    launch_us: float | None = 0.0
    """What of the latency is the launch; 0 where that was not asked for, None where nobody says."""
    bound: str | None = None
    peak_share: float | None = None
    tflops: float | None = None
    energy_j: float | None = None
    price_usd: float | None = None
    """The price of one run: the busy share of the chip for the time of the run."""
    price_source: str | None = None
    config: Mapping[str, Choice] | None = None
    origin: str | None = None
    """`tuned`: an entry of the results file. `searched`: found just now."""
    problem: str | None = None
    """Why the kernel does not run on this chip, or no latency can be told."""
    diagnostics: Sequence[Mapping[str, object]] = ()
    """The same with code and place."""


@click.command(
    epilog="\b\nExample:\n  tilery compare kernels/matmul.tk M=2048 K=4096 N=14336 --chips trn1,trn2,trn3 --whole-chip"
)
@options(file_argument, names_argument, json_option, debug_option, what_if_option, tuned_option, launch_option)
@click.option("--chips", default="trn1,trn2,trn3", show_default=True, metavar="A,B,C", help="Chips or TOML files.")
@click.option("--budget", default="5s", show_default=True, metavar="TIME", help="How long to search for each chip.")
@click.option("--whole-chip", is_flag=True, help="All cores of each chip, the work split evenly; without it, one core.")
def compare(
    file: str,
    names: tuple[str, ...],
    chips: str,
    what_if: tuple[str, ...],
    as_json: bool,
    budget: str,
    whole_chip: bool,
    tuned: str | None,
    launch: bool,
) -> None:
    """One kernel on several chips, each tuned: latency, share of peak, energy, price."""
    # No results file is written.
    from tilery.dsl.errors import UsageError
    from tilery.pages.compare_page import print_comparison
    from tilery.pages.console import console, print_json

    from .shared.duration import seconds
    from .shared.opening import open_pipeline

    wanted = [each.strip() for each in chips.split(",") if each.strip()]
    if not wanted:
        raise UsageError("--chips names no chip: write, for example, --chips trn1,trn2,trn3")
    pipelines = [open_pipeline(file, names, chip, tuned=tuned, what_if=what_if) for chip in wanted]
    for each in pipelines:
        each.launch = launch
    rows = [_row(each, seconds(budget), whole_chip) for each in pipelines]
    if as_json:
        print_json({"kernel": pipelines[0].program.name, "dims": pipelines[0].dims, "whole_chip": whole_chip, "chips": rows})
    else:
        print_comparison(console(), pipelines[0], rows, whole_chip)


def _row(pipeline: Pipeline, budget_s: float, whole_chip: bool) -> Row:
    from tilery.backends.machine.errors import CannotLower, Infeasible
    from tilery.dsl.errors import UsageError

    chip = pipeline.chip
    pipeline.cores = chip.cores.count if whole_chip else 1
    row = Row(chip.name, chip.title, pipeline.cores)
    try:
        launch_us = chip.launch_us if pipeline.launch else 0.0
    except UsageError as problem:
        return replace(row, launch_us=None, problem=str(problem))
    try:
        origin = _choose(pipeline, budget_s)
        report, analysis = pipeline.report, pipeline.analysis
    except (Infeasible, CannotLower) as problem:
        return replace(row, problem=str(problem), diagnostics=[each.fields for each in problem.diagnostics])
    return replace(
        row,
        latency_us=report.latency_us,
        launch_us=launch_us,
        bound=report.bound,
        peak_share=report.peak_share,
        tflops=report.flops / report.kernel_us / 1e6,
        energy_j=analysis.energy.total_j if analysis.energy else None,
        price_usd=analysis.price_usd,
        price_source=str(chip.price) if chip.price else None,
        config=pipeline.config,
        origin=origin,
    )


def _choose(pipeline: Pipeline, budget_s: float) -> str:
    """Gives the pipeline its best configuration: the tuned entry's for as many cores, else what a short search finds."""
    if pipeline.chosen.origin == "tuned" and pipeline.chosen.entry and pipeline.chosen.entry.key.cores == pipeline.cores:
        return "tuned"
    from tilery.tuner.options import Options

    result = pipeline.tune(Options(budget_s=budget_s))
    if result.stop == "interrupted":
        raise KeyboardInterrupt  # of the comparison, not of one chip's part in it
    pipeline.overrides = dict(result.config)
    return "searched"
