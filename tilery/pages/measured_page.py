"""What was measured, beside what the model had predicted: rows of the last page of a tuning, and a table."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tilery.tuner.result import Measured, Result

from .console import config_text, facts, microseconds

WORDS = ((0.8, "good"), (0.5, "fair"), (-1.0, "poor"))
"""The least rank correlation for each word about the model."""


def measured_rows(measured: Measured, result: Result) -> list[tuple[str, Text | str]]:
    """The rows of the page of facts that a result by the model alone does not have."""
    latency = Text(microseconds(measured.latency_us), style="bold green")
    latency.append(f" measured; predicted {microseconds(result.latency_us)}, bound by {result.bound}", style="default not bold")
    rows: list[tuple[str, Text | str]] = [("latency", latency), ("default", _default(measured, result))]
    rows.append(("measured by", Text(measured.command)))
    rows.append(("the model", _agreement(measured)))
    if measured.failures:
        rows.append(("failed", Text("\n".join(f"{number}x {reason}" for reason, number in measured.failures.items()))))
    return rows


def print_measured(console: Console, result: Result, measured: Measured, tiles: set[str]) -> None:
    """The fastest ones, measured and predicted; of the knobs, those that are set otherwise than the winner's."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("measured", justify="right")
    table.add_column("predicted", justify="right")
    table.add_column("configuration")
    for each in measured.best:
        assert each.measured_us is not None
        other = {name: value for name, value in each.config.items() if name not in tiles and value != result.config[name]}
        words = Text(config_text(each.config, tiles)).append(f"  {config_text(other)}", style="dim")
        table.add_row(microseconds(each.measured_us), microseconds(each.latency_us), words)
    page = facts()
    page.add_row("fastest", table)
    console.print()
    console.print(page)


def _default(measured: Measured, result: Result) -> str:
    predicted = f"predicted {microseconds(result.default_latency_us)}"
    if measured.default_latency_us is None or measured.gain is None:
        return f"not measured; {predicted}"
    return f"{microseconds(measured.default_latency_us)} measured, so tuning made it {measured.gain:.2f}x as fast; {predicted}"


def _agreement(measured: Measured) -> str:
    if measured.agreement is None:
        return f"too few measurements ({measured.count}) to say how well it ranks them"
    word = next(word for least, word in WORDS if measured.agreement >= least)
    return f"a {word} guide: rank correlation {measured.agreement:.2f} between predicted and measured, of {measured.count}"
