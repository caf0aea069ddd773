"""The page of `tilery explain`: the tunables, why their domains end, and what the chip rules out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tilery.backends.drawing import Domain
from tilery.backends.families import family_of
from tilery.backends.machine.explain.elements import Apart
from tilery.backends.tunable import Tunable
from tilery.request import Request
from tilery.tuner.space.feasibility import Landscape

from .apart_page import LOST, apart_text


@dataclass(frozen=True, slots=True)
class Explanation:
    """A search space in numbers and reasons."""

    tunables: tuple[Tunable, ...]
    space: int
    """How many configurations there are."""
    screened: int
    """How many of them were checked; fewer than `space` if it is very large, or if checking all would take too long."""
    feasible: int
    """How many of those fit the chip."""
    ruled_out: Mapping[str, int]
    """How many of those each limit removes, in the order in which the limits are checked."""
    tiles: int
    """Combinations of tile sizes,"""
    structures: int
    """of choices that change what the program is made of,"""
    slots: int
    """and of numbers of slots: multiplied, the space."""
    worth_timing: int
    """How many of those that fit can be the fastest: only those with the most slots, and one of equal programs."""
    elements_apart: tuple[Apart, ...] = ()
    """Places that meet device memory an element at a time, with the configuration that `simulate` takes."""
    ranges: Mapping[str, Domain] = field(default_factory=dict)
    """What arguments lie in, by name: declared, or derived from what the kernel does with them."""
    diagnostics: Sequence[Mapping[str, object]] = ()
    """Why nothing fits, with code and place; empty if something does."""


def explained(landscape: Landscape, apart: tuple[Apart, ...] = (), ranges: Mapping[str, Domain] | None = None) -> Explanation:
    """The explanation of a screened space; `apart`: what meets device memory an element at a time; `ranges`: of arguments."""
    space = landscape.space
    slots = math.prod(space.radices[space.slots].tolist())
    return Explanation(
        space.tunables,
        space.size,
        landscape.screened,
        landscape.feasible,
        landscape.removed,
        space.size // (slots * space.structure_count),
        space.structure_count,
        slots,
        len(landscape.order),
        apart,
        ranges or {},
    )


def print_explanation(console: Console, request: Request, explanation: Explanation) -> None:
    """Prints the tunables with their reasons, then the funnel of the limits."""
    console.print(Text(f"\n{request.title}\n", style="bold cyan"))
    console.print(_tunables(explanation.tunables))
    console.print()
    console.print(_funnel(explanation, {each.name: each.exceeded for each in family_of(request.chip).memories(request.chip)}))
    if explanation.ranges:
        console.print()
        console.print(_ranges(explanation.ranges))
    for each in explanation.elements_apart:
        if each.gain >= LOST:
            console.print(Text("\n").append(apart_text(each)))


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


def _ranges(ranges: Mapping[str, Domain]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("argument", style="bold", no_wrap=True)
    table.add_column("lies in", ratio=1)
    for name, domain in ranges.items():
        table.add_row(name, str(domain))
    return table


def _choices(tunable: Tunable) -> Text:
    values = [str(each) for each in tunable.values]
    if len(values) <= 8:
        return Text(", ".join(values))
    return Text(f"{', '.join(values[:3])} … {values[-1]} ({len(values)})")


def _funnel(explanation: Explanation, limits: Mapping[str, str]) -> Table:
    """`limits`: what each limit means."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("limit", no_wrap=True)
    table.add_column("rules out", justify="right")
    table.add_column("leaves", justify="right")
    table.add_column("")
    left = explanation.screened
    ways = f"{explanation.tiles:,} tile sizes x {explanation.structures:,} structures x {explanation.slots:,} numbers of slots"
    table.add_row("the space", "", f"{explanation.space:,}", ways)
    if left < explanation.space:
        table.add_row("screened", "", f"{left:,}", "too many to screen all: random structures, and those around the best")
    for limit, number in explanation.ruled_out.items():
        left -= number
        table.add_row(limit, f"{number:,}", f"{left:,}", limits.get(limit, ""))
    told = "more slots are never slower, and some choices make no difference"
    table.add_row("worth timing", f"{left - explanation.worth_timing:,}", f"{explanation.worth_timing:,}", told)
    return table
