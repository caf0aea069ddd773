"""Whether a chip makes sense: every field by its own rules, then what no field can be wrong about alone."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from tilery.dsl.errors import TileryError

from ..families import DEFAULT, family_named, family_names
from .chip import Chip, section_names, tables

if TYPE_CHECKING:
    from ..machine.family import Family

FAMILY = "family"
"""The field of a chip file that names its family."""

LEAST, MOST, MOST_WHOLE = 1e-12, 1e30, 1e15
"""The smallest and the largest number, but for 0, that any field of a chip can mean in its unit. Beyond them lie slips of a unit,
infinities, and numbers whose products no float holds."""
LONGEST = 40
"""Characters of a value that a message repeats."""


class ChipError(TileryError):
    """A chip file that cannot be used, with the field at fault."""


def checked(fields: Any, shown: str) -> Chip:
    """The chip of a file's tables. `ChipError` names the field that is unknown, missing, out of range or contradicted."""
    for field, number in _numbers(fields):
        most = MOST_WHOLE if isinstance(number, int) else MOST
        if not (number == 0 or LEAST <= abs(number) <= most):  # neither holds of NaN
            raise ChipError(f"{shown}: {field}: expected 0, or {LEAST:g} to {most:g}, and this is {_short(number)}")
    family = _family(fields, shown)
    try:
        chip: Chip = msgspec.convert({name: value for name, value in fields.items() if name != FAMILY}, type=family.chip)
    except msgspec.ValidationError as problem:
        raise ChipError(f"{shown}: {_reworded(str(problem), fields, family.chip)}") from problem
    for said in (*_assumed(chip), *family.contradictions(chip)):
        raise ChipError(f"{shown}: {said}")
    return chip


def _assumed(chip: Chip) -> Iterator[str]:
    """Whether what is marked as assumed are numbers of their table."""
    for name, table in tables(chip).items():
        if isinstance(table, dict):
            numbers = [each for each, value in _numbers(table) if not isinstance(value, bool)]
            yield from unknown(f"{name}.assumed", table.get("assumed", ()), numbers)


def _numbers(fields: Any) -> Iterator[tuple[str, float]]:
    """Every number of a file's tables, with its field. Tables inside each other without an end are left to the conversion."""
    waiting = [("", fields)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{path}.{name}" if path else str(name), each) for name, each in value.items()]
        elif isinstance(value, list):
            waiting += [(path, each) for each in value]
        elif isinstance(value, int | float):
            yield path, value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _reworded(problem: str, fields: Any, kind: type[Chip]) -> str:
    """The library's message (`Expected int >= 1 - at $.sbuf.partitions`) with the field first, as a chip file writes it."""
    match = re.fullmatch(r"(.*?)(?: - at `(?:key in )?\$\.?([^`]*)`)?", problem, re.DOTALL)
    assert match is not None
    what, path = match[1].replace("`", ""), match[2] or ""
    named = re.fullmatch(r"Object (contains unknown|missing required) field (\w+)", what)
    if not named:
        return f"{path}: {what[0].lower()}{what[1:]}{_found(fields, path)}"
    field = ".".join(part for part in (path, named[2]) if part)
    if named[1] == "missing required":
        return f"{field} is missing"
    near = difflib.get_close_matches(named[2], _names(kind, path), 1)
    return f"{field}: there is no such field" + (
        f"; did you mean {near[0]}?" if near else f"; there are {', '.join(_names(kind, path))}"
    )


def _found(fields: Any, path: str) -> str:
    for part in path.split("."):
        if not isinstance(fields, dict) or part not in fields:
            return ""
        fields = fields[part]
    return f", and this is {_short(fields)}" if isinstance(fields, int | float | str) else ""


def _names(chip: type[Chip], section: str) -> list[str]:
    """The fields that a section may have; of the file itself for the empty name."""
    kinds = {each.name: each.type for each in msgspec.structs.fields(chip)}
    if not section:
        return [FAMILY, *section_names(chip)] if chip.family != DEFAULT else section_names(chip)
    kind = kinds[section]
    options = [kind] if isinstance(kind, type) else list(kind.__args__)
    return [each.name for each in msgspec.structs.fields(options[0])]


def _family(fields: Any, shown: str) -> Family[Any]:
    """The family that a chip file names; most files name none, and are of the first family that there was."""
    name = fields.get(FAMILY, DEFAULT) if isinstance(fields, dict) else DEFAULT
    if name not in family_names():
        raise ChipError(f"{shown}: {FAMILY}: there is no {_short(name)}; {_meant(str(name), list(family_names()))}")
    return family_named(name)


def unknown(field: str, given: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """A sentence for each name that is not known, with the one that was probably meant."""
    for each in given:
        if each not in known:
            yield f"{field}: there is no {each}; {_meant(each, list(known))}"


def _meant(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
