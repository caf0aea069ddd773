"""The page of `tilery tuned`: a line an entry."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tilery.dsl.visible import visible
from tilery.tuned_entries import Row
from tilery.tuner.results.entry import Entry

from .console import echo, microseconds
from .front_page import figure_text


def print_tuned(rows: Sequence[Row]) -> None:
    """A line an entry, however long: it names what `autotune` takes, and is made to be copied."""
    for file in dict.fromkeys(row.file for row in rows):
        click.secho(visible(str(file)), bold=True)
        for row in (each for each in rows if each.file == file):
            state = click.style(visible(f"stale: {row.stale}"), "yellow") if row.stale else click.style("fine", "green")
            click.echo(visible(f"  {row.entry.key}  {_figures(row.entry)}  ") + state)
    if not rows:
        echo("nothing has been tuned here")


def _figures(entry: Entry) -> str:
    """The latency and the gain over the default: the measured ones, where there are any."""
    found = entry.measured or entry
    gain = f", {found.default_latency_us / found.latency_us:.2f}x the default" if found.default_latency_us else ""
    return f"{microseconds(found.latency_us)}{' measured' if entry.measured else ''}{gain}{_objective(entry)}"


def _objective(entry: Entry) -> str:
    """What it was tuned for, where that is not the latency alone."""
    if not entry.values:
        return ""
    values = ", ".join(figure_text(name, value) for name, value in entry.values.items() if name != "latency_us")
    front = f", a front of {len(entry.front)}" if entry.front else ""
    return f"; for {entry.objective}: {values}{front}"


def row_figures(row: Row) -> dict[str, object]:
    """An entry for machines."""
    entry = row.entry
    return {
        "file": str(row.file),
        "entry": str(entry.key),
        "objective": entry.objective,
        "latency_us": entry.latency_us,
        "measured": entry.measured,
        "stale": row.stale,
    }
