"""What a latency rests on that nobody has published or measured for the chip: timed again with each such number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tilery.backends.chips import Chip, changed
from tilery.backends.chips.chip import tables

from ..engine_program import EngineProgram
from ..time.timing import latency_fs
from .sweep import on_chip

LARGER = "+10%"


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number of the chip that is taken from elsewhere."""

    field: str
    """As in the chip file and after `--what-if`."""
    value: float
    effect: float
    """The share by which the latency is longer where the number is 10 % larger."""


def assumptions(program: EngineProgram) -> tuple[Assumption, ...]:
    """The assumed numbers that this latency depends on, the one that matters most first."""
    before = latency_fs(program)
    found = []
    for field, value in assumed(program.chip).items():
        after = latency_fs(on_chip(program, changed(program.chip, [f"{field}={LARGER}"])))
        if after != before:
            found.append(Assumption(field, value, after / before - 1))
    return tuple(sorted(found, key=lambda each: -abs(each.effect)))


def assumed(chip: Chip) -> dict[str, float]:
    """The numbers of a chip file that it marks as assumed."""
    sections = {name: table for name, table in tables(chip).items() if isinstance(table, dict)}
    return {f"{name}.{each}": _number(table, each) for name, table in sections.items() for each in table.get("assumed", ())}


def _number(table: Mapping[str, Any], field: str) -> float:
    """A number of a table, or of a table in it, `passes.tensor_tensor`."""
    value: Any = table
    for name in field.split("."):
        value = value[name]
    return float(value)
