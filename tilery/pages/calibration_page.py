"""The page of `tilery calibrate`: constants before and after, the error to expect, what the measurements do not say."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tilery.backends.chips import Chip
from tilery.tuner.calibration import Calibration

from .console import facts, microseconds, percent


def print_calibration(console: Console, chip: Chip, found: Calibration, written: str | None) -> None:
    """Prints constants, errors, groups that cannot be told apart, and every measurement."""
    console.print(Text(f"\n{chip.name}, {len(found.lines)} measurements\n", style="bold cyan"))
    if found.moved:
        console.print(_constants(found))
    else:
        console.print("nothing moved: what is wrong is noise, or no constant of the chip explains it")
    console.print(_errors(found))
    console.print(_lines(found))
    console.print(Text(f"\nwritten to {written}: --chip {written}" if written else "\nno file was written", style="dim"))


def _constants(found: Calibration) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("constant", style="bold", no_wrap=True)
    for name in ("before", "after", "standard error"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for each in found.moved:
        note = "at its bound: --factor lets it go further" if each.at_bound else ""
        table.add_row(each.name, f"{each.before:,.4g}", f"{each.after:,.4g}", percent(each.error), note)
    return table


def _errors(found: Calibration) -> Table:
    page = facts()
    page.add_row("")
    page.add_row("error before", f"{percent(found.error_before)}, the mean of all measurements")
    page.add_row(
        "error after", f"{percent(found.error_left_out)} on measurements that were left out ({found.folds} parts in turn)"
    )
    page.add_row("", f"{percent(found.error_after)} on those that it was fitted on")
    for group in found.alike:
        page.add_row("not told apart", ", ".join(group))
    if found.unseen:
        page.add_row("not seen", f"{', '.join(found.unseen)}: no measurement depends on it")
    return page


def _lines(found: Calibration) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("\nmeasurement", ratio=1)
    for name in ("\nmeasured", "\nbefore", "\nafter", "\nleft out"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in found.lines:
        table.add_row(
            each.label, *(microseconds(us) for us in (each.measured_us, each.before_us, each.after_us, each.left_out_us))
        )
    return table


def figures(found: Calibration) -> dict[str, object]:
    """The same for machines."""
    return asdict(found)
