"""The page of `tilery compare`: a line a chip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tilery.pipeline import Pipeline

from .console import microseconds, percent, seldom

if TYPE_CHECKING:
    from tilery.command.compare import Row

ONE_CORE = "One core of each chip. --whole-chip compares chips."
WHOLE_CHIP = (
    "All cores of each chip: the steps of the tile loops are dealt out to them, none waits for another, each has its "
    "share of the device memory's bandwidth. A run takes as long as the core with most to do."
)
NOT_KNOWN = "-: no number is published (see tilery chips NAME)."


def print_comparison(console: Console, pipeline: Pipeline, rows: Sequence[Row], whole_chip: bool) -> None:
    """Prints the rows, how much faster each is than the first, and what was assumed."""
    request = pipeline.request
    changes = f" with {' '.join(pipeline.what_if)}" if pipeline.what_if else ""
    console.print(Text(f"\n{request.kernel.name} {request.arguments}{changes}\n", style="bold cyan"))
    console.print(_table(rows))
    for row in rows:
        if row.problem:
            console.print(Text(f"\n{row.chip}: {row.problem}", style="red"), soft_wrap=True)
    notes = [WHOLE_CHIP if whole_chip else ONE_CORE, NOT_KNOWN]
    notes += [f"Price: {row.chip.partition(' with ')[0]} {row.price_source}." for row in rows if row.price_source]
    console.print(Text("\n" + "\n".join(notes), style="dim"))


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("chip", style="bold")
    for name in ("latency", "speed", "TFLOP/s", "of peak"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("bound", no_wrap=True)
    for name in ("energy", "USD/million"):
        table.add_column(name, justify="right", no_wrap=True)
    first = next((row.latency_us for row in rows if row.latency_us), None)
    for row in rows:
        table.add_row(row.chip.partition(" with ")[0], *_cells(row, first))
    return table


def _cells(row: Row, first_us: float | None) -> tuple[str, ...]:
    if row.latency_us is None or first_us is None:
        return ("no launch time" if row.launch_us is None else "does not run", "", "", "", "", "", "")
    return (
        microseconds(row.latency_us),
        f"{first_us / row.latency_us:.2f}x",
        f"{row.tflops:.1f}" if row.tflops else "-",
        percent(row.peak_share) if row.peak_share else "-",
        row.bound or "",
        seldom(row.energy_j, "J") if row.energy_j else "-",
        f"{1e6 * row.price_usd:.3g}" if row.price_usd else "-",
    )
