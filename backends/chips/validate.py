"""Whether a chip makes sense: every field by its own rules, then what no field can be wrong about alone."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tilery.dsl.errors import TileryError
from tilery.dsl.types import ELEMENT_TYPES

from .chip import Chip

FORMS = ("activation", "tensor_scalar", "tensor_tensor", "reduce", "scan", "copy", "memset", "select", "positions")
"""The instruction forms that the lowering knows."""
ENGINES = ("vector", "scalar", "gpsimd")


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
    try:
        chip = msgspec.convert(fields, type=Chip)
    except msgspec.ValidationError as problem:
        raise ChipError(f"{shown}: {_reworded(str(problem), fields)}") from problem
    for said in contradictions(chip):
        raise ChipError(f"{shown}: {said}")
    return chip


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


def _reworded(problem: str, fields: Any) -> str:
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
    near = difflib.get_close_matches(named[2], _names(path), 1)
    return f"{field}: there is no such field" + (
        f"; did you mean {near[0]}?" if near else f"; there are {', '.join(_names(path))}"
    )


def _found(fields: Any, path: str) -> str:
    for part in path.split("."):
        if not isinstance(fields, dict) or part not in fields:
            return ""
        fields = fields[part]
    return f", and this is {_short(fields)}" if isinstance(fields, int | float | str) else ""


def _names(section: str) -> list[str]:
    """The fields that a section may have; of the file itself for the empty name."""
    kinds = {each.name: each.type for each in msgspec.structs.fields(Chip)}
    if not section:
        return list(kinds)
    kind = kinds[section]
    options = [kind] if isinstance(kind, type) else list(kind.__args__)
    return [each.name for each in msgspec.structs.fields(options[0])]


def contradictions(chip: Chip) -> Iterable[str]:
    """What contradicts what, a sentence each."""
    unit, sbuf, psum = chip.tensor, chip.sbuf, chip.psum
    if unit.peak_element not in unit.cycles_per_column:
        yield f"tensor.peak_element is {unit.peak_element}, which tensor.cycles_per_column lacks"
    if unit.rows > sbuf.partitions:
        yield f"tensor.rows is {unit.rows}, but sbuf.partitions only {sbuf.partitions}"
    if unit.columns > psum.partitions:
        yield f"tensor.columns is {unit.columns}, but psum.partitions only {psum.partitions}"
    if psum.bank_bytes % 4:
        yield f"psum.bank_bytes is {psum.bank_bytes}, which is no whole number of f32 sums"
    if unit.moving_columns > psum.banks * psum.bank_bytes // 4:
        yield (
            f"tensor.moving_columns is {unit.moving_columns}, but psum holds only {psum.banks} banks of "
            f"{psum.bank_bytes // 4} f32 sums a partition"
        )
    for name in ENGINES:
        if chip.engine(name).lanes > sbuf.partitions:
            yield f"{name}.lanes is {chip.engine(name).lanes}, but sbuf.partitions only {sbuf.partitions}"
        yield from _unknown(f"{name}.forms", chip.engine(name).forms, FORMS)
    yield from _unknown("tensor.cycles_per_column", unit.cycles_per_column, ELEMENT_TYPES)
    yield from _unknown("dma.transpose_elements", chip.dma.transpose_elements, ELEMENT_TYPES)
    for form in ("tensor_scalar", "tensor_tensor", "reduce", "copy", "memset"):
        if not any(form in chip.engine(name).forms for name in ENGINES):
            yield f"no engine has the form {form}, without which nothing can be lowered: add it to vector.forms"


def _unknown(field: str, given: Iterable[str], known: Iterable[str]) -> Iterable[str]:
    for each in given:
        if each not in known:
            yield f"{field}: there is no {each}; {_meant(each, list(known))}"


def _meant(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
