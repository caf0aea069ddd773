"""What if: a chip with some of its numbers changed, as `sbuf.bytes_per_partition=*2`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tilery.dsl.errors import UsageError
from tilery.dsl.report import did_you_mean

from .chip import Chip, tables
from .validate import FAMILY, ChipError, checked

HOW = "write =N, =*N, =/N, =+N% or =-N%, as in sbuf.bytes_per_partition=*2"


def changed(chip: Chip, changes: Iterable[str]) -> Chip:
    """A chip with each change made, in order; its name says which, so that nobody takes it for the real one.

    A change is `section.field=N`, `=*N`, `=/N`, `=+N%` or `=-N%`; whole numbers are rounded down.

    Raises:
        UsageError: there is no such field, it holds no number, or the change has another form.
        ChipError: the changed chip contradicts itself, or a number is out of its range; names the field.
    """
    fields = tables(chip)
    made = list(changes)
    for change in made:
        _make(fields, change)
    if not made:
        return chip
    fields["name"] = f"{chip.name} with {' '.join(made)}"
    try:
        return checked({FAMILY: chip.family, **fields}, f"--what-if {' '.join(made)}")
    except ChipError as problem:
        raise UsageError(str(problem)) from problem


def _make(fields: dict[str, Any], change: str) -> None:
    path, equals, how = change.partition("=")
    if not equals:
        raise UsageError(f"--what-if {change}: {HOW}")
    *sections, name = path.split(".")
    place: Any = fields
    for depth, section in enumerate(sections):
        place = _inside(place, section, sections[:depth])
    old = _inside(place, name, sections)
    if isinstance(old, bool) or not isinstance(old, int | float):
        known = ", ".join(_numbers(place)) if isinstance(place, Mapping) else ""
        raise UsageError(f"--what-if {path}: that is no number" + (f"; numbers there are {known}" if known else ""))
    new = _value(float(old), how, change)
    if not math.isfinite(new):
        raise UsageError(f"--what-if {change}: that is larger than any number of a chip")
    place[name] = int(new) if isinstance(old, int) else new
    table, field = (fields[sections[0]], ".".join([*sections[1:], name])) if sections else ({}, name)
    if field in table.get("assumed", ()):  # whoever gives a number answers for it
        table["assumed"] = [each for each in table["assumed"] if each != field]


def _inside(place: Any, name: str, path: list[str]) -> Any:
    """What a table holds under a name."""
    if isinstance(place, Mapping) and place.get(name) is not None:
        return place[name]
    shown = ".".join([*path, name])
    if not isinstance(place, Mapping):
        raise UsageError(f"--what-if {shown}: {'.'.join(path)} is a number itself")
    sections = [each for each, value in place.items() if isinstance(value, Mapping) and each != "references"]
    known = _numbers(place) if path else sections
    raise UsageError(f"--what-if {shown}: there is no such field; {did_you_mean(name, known) or 'there are ' + ', '.join(known)}")


def _numbers(place: Mapping[str, Any]) -> list[str]:
    return [name for name, value in place.items() if isinstance(value, int | float | dict) and not isinstance(value, bool)]


def _value(old: float, how: str, change: str) -> float:
    match = re.fullmatch(r"([*/+-]?)(\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+)(%?)", how.strip())
    if not match or bool(match[3]) != (match[1] in ("+", "-") and bool(match[1])):
        raise UsageError(f"--what-if {change}: {HOW}")
    number = float(match[2])
    match match[1]:
        case "*":
            return old * number
        case "/" if number:
            return old / number
        case "+":
            return old * (1 + number / 100)
        case "-":
            return old * (1 - number / 100)
        case "":
            return number
        case _:
            raise UsageError(f"--what-if {change}: {HOW}")
