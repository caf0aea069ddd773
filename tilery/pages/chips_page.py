"""The pages of `tilery chips`: a line a chip, or every number of one with its source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tilery.backends.chips import Chip, tables
from tilery.backends.families import family_of

from .console import bytes_text, facts

UNITS = {
    "us": (1, "us"),
    "_hz": (1e9, "GHz"),
    "bytes_per_s": (1e9, "GB/s"),
    "_ns": (1, "ns"),
    "_cycles": (1, "cycles"),
    "_w": (1, "W"),
}
"""Endings of field names: what the number is divided by, and the unit it is then shown in."""

SECTIONS = {
    "cores": "cores that share the chip; all further numbers are one core's",
    "hbm": "device memory, one core's share",
    "launch": "starting a kernel, which is no part of its own latency: --launch adds it",
    "price": "what renting costs",
    "power": "published power of the chip",
    "energy": "what an operation or access takes, without leakage, clocks and control",
}
"""What the tables are about that chips of every family have; the family's own stand after the cores."""
UNPUBLISHED = {
    "launch": "none is published: --launch is refused",
    "price": "none is published: `compare` leaves the price out",
    "power": "none is published",
    "energy": "none is given: `compare` leaves the energy out",
}


def print_chips(console: Console, chips: Sequence[Chip]) -> None:
    """Prints a line a chip: one core's figures."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("name", no_wrap=True)
    table.add_column("title")
    for name in ("cores", "peak TFLOP/s", "GB/s", "on-chip", "USD/h a chip"):
        table.add_column(name, justify="right")
    for chip in chips:
        table.add_row(
            chip.name,
            chip.title,
            str(chip.cores.count),
            f"{chip.peak_flops / 1e12:.1f}",
            f"{chip.memory_bytes_per_s / 1e9:.0f}",
            _on_chip(chip)[0][1],
            f"{chip.price.usd_per_chip_hour:.2f}" if chip.price else "",
        )
    console.print(table)
    told = "\nFigures of one core, but for the price. `tilery chips NAME` has them all, with their sources."
    console.print(Text(told, style="dim"))


def print_chip(console: Console, chip: Chip) -> None:
    """Prints every number of a chip, a table a section, each with where it is published."""
    fields, family = tables(chip), family_of(chip)
    absent = family.absent(chip)
    sections = {"cores": SECTIONS["cores"], **family.sections, **SECTIONS}
    console.print(Text(f"\n{chip.name}: {chip.title}", style="bold cyan"))
    console.print(_in_short(chip))
    for section, about in sections.items():
        console.print(Text(f"\n{section}", style="bold cyan").append(f"  {about}", style="not bold default"))
        values = fields.get(section)
        if section in absent:
            console.print(Text("  the chip has none"))
            continue
        if values is None:
            console.print(Text(f"  {UNPUBLISHED[section]}", style="yellow"))
            continue
        _print_section(console, values)
    if chip.references:
        console.print(Text("\nreferences", style="bold cyan"))
        page = facts()
        for name, what in chip.references.items():
            page.add_row(Text(f"  {name}"), Text(what))
        console.print(page)


def _print_section(console: Console, values: dict[str, Any]) -> None:
    source = values.pop("source")
    page = Table.grid(padding=(0, 2))
    page.add_column(no_wrap=True, min_width=21)
    page.add_column(ratio=1)
    for name, value in values.items():
        page.add_row(Text(f"  {name}", style="bold"), Text(_shown(name, value)))
    page.add_row(Text("  source", style="dim"), Text(source, style="dim"))
    console.print(page)


def _in_short(chip: Chip) -> Table:
    page = facts()
    knee = chip.peak_flops / chip.memory_bytes_per_s
    page.add_row("")
    page.add_row(
        "one core", f"{chip.peak_flops / 1e12:.1f} TFLOP/s {chip.peak_element}, {chip.memory_bytes_per_s / 1e9:.0f} GB/s"
    )
    page.add_row("", ", ".join(f"{size} of {title}" for title, size in _on_chip(chip)))
    page.add_row("knee", f"{knee:.0f} operations a byte: kernels that do fewer are bound by moving data")
    return page


def _on_chip(chip: Chip) -> list[tuple[str, str]]:
    """The memories on the chip with their sizes."""
    memories = family_of(chip).memories(chip)
    return [(each.title, bytes_text(each.capacity * each.unit_bytes)) for each in memories]


def _shown(name: str, value: object) -> str:
    """A field of a chip file; its unit is read off its name."""
    match value:
        case dict():
            return ", ".join(f"{key} {_shown('', each)}" for key, each in value.items()) or "none"
        case list() | tuple():
            return ", ".join(map(str, value)) or "none"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return _number(name, value)
        case _:
            return str(value)


def _number(name: str, value: float) -> str:
    for ending, (divisor, unit) in UNITS.items():
        if name.endswith(ending):
            return f"{value / divisor:,g} {unit}"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
