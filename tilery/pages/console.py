"""How numbers, configurations and machine-readable output are printed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping

import click
import msgspec
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from tilery.backends.tunable import Choice
from tilery.dsl.visible import steers, visible

PRINTED = "tilery.printed_json"
"""In click's context: whether the command has printed its JSON document."""

WIDEST = 110
"""The most columns of a line, on wider terminals, too: longer lines are hard to read."""


class Shown(Console):
    """A console on which no text can steer the terminal, wherever it comes from; styles are its own."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is to be printed, piece by piece."""
        for each in super().render(renderable, options):
            yield each if each.control else Segment(visible(each.text), each.style)


def console(*, error: bool = False) -> Console:
    """A console for one command; without a terminal it prints plain text, 80 columns wide unless COLUMNS says more."""
    made = Shown(stderr=error, highlight=False)
    made.width = min(made.width, WIDEST)
    return made


def echo(text: str, *, error: bool = False, end: str = "\n") -> None:
    """Prints text that may quote files."""
    click.echo(visible(text) + end, err=error, nl=False)


def echo_file(text: str) -> None:
    """Prints the text of a file: to a terminal as `echo` does, else unchanged, as it may be redirected to a file."""
    click.echo(visible(text) if sys.stdout.isatty() else text, nl=False)


def print_json(data: object) -> None:
    """Prints dataclasses, structs and mappings as indented JSON; infinities and NaN become null."""
    if context := click.get_current_context(silent=True):
        context.meta[PRINTED] = True
    text = msgspec.json.format(msgspec.json.encode(data), indent=2).decode()
    # Within strings JSON has a way to write such a character that no terminal acts on.
    click.echo("".join(f"\\u{ord(each):04x}" if steers(each) else each for each in text) if not text.isascii() else text)


def facts() -> Table:
    """An empty page of facts: a label, and what there is to say."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True, min_width=13)
    table.add_column(ratio=1)
    return table


def microseconds(value: float) -> str:
    """`4,012.3 us`: always the same unit, so that figures can be compared at a glance."""
    return f"{value:,.1f} us" if value >= 10 else f"{value:,.3f} us"


def percent(share: float) -> str:
    """`87.3 %` of a share between 0 and 1."""
    return f"{100 * share:.1f} %"


def bytes_text(number: float) -> str:
    """`96.0 KiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            break
        number /= 1024
    return f"{number:,.0f} B" if unit == "B" else f"{number:,.1f} {unit}"


def bar(share: float, width: int = 24) -> str:
    """A bar of `width` characters for a share between 0 and 1."""
    full = round(min(1.0, max(0.0, share)) * width)
    return "█" * full + "·" * (width - full)


def bars(shares: tuple[float, float], width: int = 24) -> str:
    """A bar of two shares, one behind the other: busy, then waiting."""
    busy = round(min(1.0, shares[0]) * width)
    both = max(busy, round(min(1.0, sum(shares)) * width))
    return "█" * busy + "░" * (both - busy) + "·" * (width - both)


def seldom(value: float, unit: str) -> str:
    """A small or large quantity with a prefix: `1.25 mJ`, `3.4 uUSD`."""
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value / 1e-12:.3g} p{unit}"


def config_text(config: Mapping[str, Choice], names: set[str] | None = None, *, inside: bool = True) -> str:
    """`m=128 n=512`: the choices whose names are in `names`, or, with `inside` false, those that are not."""
    chosen = [f"{name}={shlex.quote(str(value))}" for name, value in config.items() if names is None or (name in names) == inside]
    return " ".join(chosen)
