"""The pages of `run`, `simulate` and `chips`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .backends.accuracy import Comparison
from .backends.chips import Chip
from .console import bytes_text, config_text, facts
from .opening import origin
from .pipeline import Pipeline


def print_run(console: Console, pipeline: Pipeline, exact: bool, wall_s: float, comparison: Comparison | None) -> None:
    """Prints how a run on random data compares with the reference, and how long it took here."""
    print_head(console, pipeline)
    page = facts()
    verdict = Text("right", style="bold green") if comparison and comparison.ok else Text("WRONG", style="bold red")
    if comparison:
        page.add_row("values", verdict.append(f": {comparison}", style="default not bold"))
    else:
        page.add_row("values", "the kernel has no reference to compare with")
    how = "executing the engine program, instruction by instruction" if exact else "emulating, on this machine"
    page.add_row("time", f"{wall_s:.3f} s {how}")
    console.print(page)


def print_head(console: Console, pipeline: Pipeline) -> None:
    """What the figures below are figures of."""
    console.print(Text(f"\n{pipeline.request.title}\n", style="bold cyan"))
    page = facts()
    config = pipeline.tiles if pipeline.misfit else pipeline.config
    whence = Text(pipeline.note, style="yellow") if pipeline.note else Text(origin(pipeline))
    page.add_row("configuration", whence.append(f"\n{config_text(config)}", style="not yellow dim"))
    console.print(page)


def print_chips(console: Console, chips: Sequence[Chip]) -> None:
    """Prints a line a chip: one core's figures."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("name", "title"):
        table.add_column(name)
    for name in ("cores", "peak TFLOP/s", "GB/s", "on-chip", "accumulators"):
        table.add_column(name, justify="right")
    for chip in chips:
        sbuf, psum = chip.sbuf, chip.psum
        table.add_row(
            chip.name,
            chip.title,
            str(chip.cores.count),
            f"{chip.peak_flops / 1e12:.1f}",
            f"{chip.dma_bytes_per_s / 1e9:.0f}",
            bytes_text(sbuf.partitions * sbuf.bytes_per_partition),
            bytes_text(psum.partitions * psum.banks * psum.bank_bytes),
        )
    console.print(table)
    console.print(Text("Figures of one core. `tilery chips NAME` has them all, with their sources.", style="dim"))


def print_chip(console: Console, chip: Chip) -> None:
    """Prints every number of a chip with its source."""
    fields = msgspec.to_builtins(chip)
    console.print(Text(f"\n{fields.pop('name')}: {fields.pop('title')}\n", style="bold cyan"))
    for section, values in fields.items():
        source = values.pop("source", "")
        console.print(Text(section, style="bold").append(f"  {source}", style="not bold dim"))
        page = facts()
        for name, value in values.items():
            page.add_row(Text(f"  {name}", style="not bold"), _shown(name, value))
        console.print(page)


def _shown(name: str, value: object) -> str:
    """A field of a chip file; its unit is read off its name."""
    match value:
        case dict():
            return "  ".join(f"{key} {_shown('', each)}" for key, each in value.items()) or "none"
        case list() | tuple():
            return ", ".join(map(str, value)) or "none"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return _number(name, value)
        case _:
            return str(value)


def _number(name: str, value: float) -> str:
    if name.endswith("_hz"):
        return f"{value / 1e9:g} GHz"
    if name.endswith("bytes_per_s"):
        return f"{value / 1e9:g} GB/s"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
