"""The front of a tuning for several objectives, as a table."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tilery.tuner.result import Result

from .console import config_text, microseconds, seldom

LABELS: Mapping[str, str] = {
    "latency_us": "latency",
    "energy_j": "energy of a run",
    "cost_usd": "price of a run",
    "error": "error against the reference",
}


def figure_text(name: str, value: float) -> str:
    """A value of an objective, with its unit."""
    match name:
        case "latency_us":
            return microseconds(value)
        case "energy_j":
            return seldom(value, "J")
        case "cost_usd":
            return seldom(value, "USD")
        case _:
            return f"{value:.2e}"


def values_text(values: Mapping[str, float]) -> str:
    """`12.3 uJ a run`: every objective with its unit."""
    return ", ".join(f"{LABELS[name]} {figure_text(name, value)}" for name, value in values.items())


def print_front(console: Console, result: Result) -> None:
    """Prints the members, the winner first, each with its gain over the default."""
    table = Table(
        box=None, padding=(0, 2, 0, 0), header_style="bold", title="the front: none of these beats another", title_justify="left"
    )
    for name in result.values:
        table.add_column(LABELS[name], justify="right")
    table.add_column("configuration")
    for each in result.front:
        # Schedule knobs, which have a dot in their names, would take several lines each; they are in the results file.
        sizes = config_text({name: value for name, value in each.config.items() if "." not in name})
        figures = (_beside(name, value, result.default_values[name]) for name, value in each.values.items())
        table.add_row(*figures, Text(sizes), style="bold" if each.config == result.config else "")
    table.add_row(*(figure_text(name, value) for name, value in result.default_values.items()), "the default", style="dim")
    console.print()
    console.print(table)


def _beside(name: str, value: float, default: float) -> str:
    """The figure, and how it compares with the default; errors differ by orders of magnitude, and speak for themselves."""
    text = figure_text(name, value)
    return text if name == "error" else f"{text} ({value / default:.2f}x)"
