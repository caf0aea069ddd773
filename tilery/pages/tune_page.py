"""The last page of a tuning: the winner, what it won against, and what was ruled out."""

from __future__ import annotations

import shlex

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tilery.backends.truth.comparison import error_words
from tilery.pipeline import Pipeline
from tilery.tuner.result import Result
from tilery.tuner.verify.precision import ERROR, PRECISION

from .console import config_text, facts, microseconds, percent
from .front_page import figure_text, print_front
from .measured_page import measured_rows, print_measured

ENDINGS = {
    "proved": "none of the others can be faster",
    "exhausted": "the best of those that were screened",
    "budget": "the time was up",
    "trials": "the number of trials was up",
    "interrupted": "interrupted",
    "disconnected": "the storage was lost",
}


WORTH = 1.01
"""Losses below this factor are not shown."""
MOST = 6
"""How many knobs are shown."""


def print_result(console: Console, pipeline: Pipeline, result: Result) -> None:
    """Prints a result."""
    tiles = {each.name for each in pipeline.tunables if each.kind in ("tile", "tune")}
    console.print(Text(f"\n{pipeline.request.title}\n", style="bold cyan"))
    page = facts()
    for label, text in measured_rows(result.measured, result) if result.measured else _predicted_rows(result):
        page.add_row(label, text)
    page.add_row("error", _error(result))
    page.add_row("")
    page.add_row("tile sizes", config_text(result.config, tiles))
    page.add_row("knobs", config_text(result.config, tiles, inside=False))
    if result.importance:
        page.add_row("")
        page.add_row("what mattered", mattered(result))
    page.add_row("")
    page.add_row("space", _space(result))
    page.add_row("ruled out", _ruled_out(result))
    how = "measured" if result.measured else "timed"
    page.add_row(how, _evaluated(result))
    for each in result.rejected:
        page.add_row("[red]rejected[/]", Text(f"{microseconds(each.latency_us)} {config_text(each.config)}: {each.problem}"))
    console.print(page)
    if result.measured:
        print_measured(console, result, result.measured, tiles)
    if result.front:
        print_front(console, result)


def print_written(console: Console, pipeline: Pipeline, target: str, on: str = "") -> None:
    """Prints where the entry went, and what to do next; `on` is the command that goes on with an unfinished search."""
    page = facts()
    page.add_row("written to", Text(str(pipeline.store.path), style="green", overflow="fold"))
    next_command = (
        f"tilery simulate {shlex.quote(target)} {pipeline.request.arguments} {pipeline.chip_words}{pipeline.cores_words}"
    )
    console.print(page)
    # Not wrapped, so that they can be copied.
    if on:
        console.print(Text("to go on       ", style="bold").append(on, style="not bold dim"), soft_wrap=True)
    console.print(Text("next           ", style="bold").append(next_command, style="not bold dim"), soft_wrap=True)


def _predicted_rows(result: Result) -> list[tuple[str, Text | str]]:
    default = f"{microseconds(result.default_latency_us)}, so tuning made it {result.gain:.2f}x as fast"
    rows: list[tuple[str, Text | str]] = [("latency", _latency(result)), ("default", default)]
    for name, value in result.values.items():
        if name not in ("latency_us", "error"):  # which the page has anyway
            whole = Text(figure_text(name, value), style="bold green")
            whole.append(f"; {figure_text(name, result.default_values[name])} by default", style="default not bold")
            rows.append((name.split("_")[0], whole))
    return rows


def _latency(result: Result) -> Text:
    text = Text(microseconds(result.latency_us), style="bold green")
    peak = f", {percent(result.peak_share)} of peak" if result.peak_share else ""
    return text.append(f"{peak}, bound by {result.bound}", style="default not bold")


def _error(result: Result) -> str:
    shape = " ".join(f"{name}={size}" for name, size in result.verified_dims.items())
    words = error_words(result.max_error, result.tolerance, result.rounding_error, result.rounded_to)
    return f"{words}, against the kernel's reference at {shape}"


def mattered(result: Result) -> Table | str:
    """The knobs that are worth most: what another choice costs, and how much of the spread of the space they explain."""
    worth = [each for each in result.importance if each.mean_loss is not None and each.mean_loss >= WORTH]
    if not worth:
        untold = any(each.mean_loss is None and not each.misfits for each in result.importance)
        return "there was no time to find out" if untold else "nothing: every other choice of one knob alone is within 1 %"
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    first = result.objective.split(",")[0]
    table.add_column(f"{first} otherwise", justify="right")
    table.add_column("at worst", justify="right")
    table.add_column("of the spread", justify="right")
    for each in worth[:MOST]:
        share = percent(each.spread_share) if each.spread_share >= 0.005 else ""
        table.add_row(f"{each.name}={result.config[each.name]}", f"{each.mean_loss:.2f}x", f"{each.max_loss:.2f}x", share)
    if rest := len(result.importance) - len(worth[:MOST]):
        table.add_row(Text(f"and {rest} more", style="dim"))
    return table


def _space(result: Result) -> str:
    reduced = (
        f"\nchoices of {result.reduced} knobs were left out, third slots first: all of it is too large to search"
        if result.reduced
        else ""
    )
    if result.screened == result.space:
        return f"{result.space:,} configurations, all of them screened{reduced}"
    said = f"{result.space:,} configurations, {result.screened:,} of them screened"
    if result.structures_screened < result.structures:
        said += (
            f"\n{result.structures_screened:,} of {result.structures:,} structures (loop orders, engines, places) were screened"
        )
        said += " before the time for it ended" if result.stop in ("budget", "interrupted") else ""
    return said + reduced


def _ruled_out(result: Result) -> str:
    if not result.ruled_out:
        return "none"
    by_limit = sorted(result.ruled_out.items(), key=lambda item: -item[1])
    too_large = [(limit, number) for limit, number in by_limit if limit not in (PRECISION, ERROR)]
    said = []
    if too_large:
        total = sum(number for _, number in too_large)
        reasons = ", ".join(f"{limit} {number:,}" for limit, number in too_large)
        said.append(f"{total:,} ({percent(total / result.screened)}) do not fit the chip: {reasons}")
    if number := result.ruled_out.get(PRECISION):
        said.append(f"{number:,} would round to other element types than the text's own; --max-error searches them too")
    if number := result.ruled_out.get(ERROR):
        said.append(f"{number:,} have a larger error than {result.max_error_allowed:g}")
    return "\n".join(said)


def _evaluated(result: Result) -> str:
    if result.stop == "proved" and not result.measured:
        best = f"the best of all {result.feasible:,} feasible configurations"
        return f"{result.evaluated:,} in {result.wall_s:.1f} s: {best}, as {_ending(result)}"
    return f"{result.evaluated:,} of {result.feasible:,} that fit, in {result.wall_s:.1f} s: {_ending(result)}"


def _ending(result: Result) -> str:
    if result.measured or not result.headroom:
        return ENDINGS[result.stop]
    return f"{ENDINGS[result.stop]}, and no other of them can be more than {percent(result.headroom)} faster"
