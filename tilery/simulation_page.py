"""The page of `tilery simulate`: a prediction that a person reads in ten seconds, and the same for machines."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from .backends.engine import Report
from .console import facts, microseconds
from .pages import print_head
from .pipeline import Pipeline


def print_simulation(console: Console, pipeline: Pipeline) -> None:
    """Prints latency, bound, share of peak, every engine's busy share, bytes moved and on-chip memory."""
    report = pipeline.report
    print_head(console, pipeline)
    page = facts()
    page.add_row("latency", Text(microseconds(report.latency_us), style="bold green"))
    page.add_row("bound", report.bound)
    console.print(page)


def figures(report: Report) -> dict[str, object]:
    """A report for machines."""
    return asdict(report)
