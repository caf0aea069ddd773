"""The page of `tilery explain`: what can be chosen, why no further, and what the chip rules out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .backends.tunable import Tunable
from .request import Request


@dataclass(frozen=True, slots=True)
class Explanation:
    """A search space in numbers and reasons."""

    tunables: tuple[Tunable, ...]
    space: int
    """How many configurations there are."""
    screened: int
    """How many of them were checked; fewer than `space` only if it is very large."""
    feasible: int
    """How many of those fit the chip."""
    ruled_out: Mapping[str, int]
    """How many of those each limit removes, in the order in which the limits are checked."""


def print_explanation(console: Console, request: Request, explanation: Explanation) -> None:
    """Prints the tunables with their reasons, then the funnel of the limits."""
    console.print(Text(f"\n{request.title}\n", style="bold cyan"))
    console.print(_tunables(explanation.tunables))
    console.print()
    console.print(_funnel(explanation))


def _tunables(tunables: tuple[Tunable, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("default", no_wrap=True)
    table.add_column("choices", ratio=2)
    table.add_column("why no further", ratio=3)
    for kind, title in (("tile", "tile sizes"), ("tune", "declared"), ("knob", "knobs")):
        rows = [each for each in tunables if each.kind == kind]
        if rows:
            table.add_row(Text(title, style="cyan"))
        for each in rows:
            table.add_row(f"  {each.name}", str(each.default), _choices(each), Text("; ".join(each.reasons)))
    return table


def _choices(tunable: Tunable) -> Text:
    values = [str(each) for each in tunable.values]
    if len(values) <= 8:
        return Text(", ".join(values))
    return Text(f"{', '.join(values[:3])} … {values[-1]} ({len(values)})")


def _funnel(explanation: Explanation) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("limit", no_wrap=True)
    table.add_column("rules out", justify="right")
    table.add_column("leaves", justify="right")
    left = explanation.screened
    whole = explanation.screened == explanation.space
    table.add_row("the space" if whole else f"a sample of {explanation.space:,}", "", f"{left:,}")
    for limit, number in explanation.ruled_out.items():
        left -= number
        table.add_row(limit, f"{number:,}", f"{left:,}")
    return table
