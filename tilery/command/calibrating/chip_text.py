"""A chip file with some of its numbers changed, its comments and all else kept."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from tilery.dsl.errors import UsageError

_HEADER = re.compile(r"^\s*\[\s*([\w.-]+)\s*\]\s*(?:#.*)?$")
_NUMBER = re.compile(r"^(\s*([\w-]+)\s*=\s*)[-+0-9._eE]+(\s*(?:#.*)?)$")
_ASSUMED = re.compile(r"^(\s*assumed\s*=\s*\[)([^\]]*)(\]\s*(?:#.*)?)$")
_SOURCE = re.compile(r'^\s*source\s*=\s*"')


def with_numbers(text: str, numbers: Mapping[str, float], said: str, shown: str) -> str:
    """The text of a chip file with numbers changed (`dma.floor_ns`), each table's source naming its own and saying how.

    Raises `UsageError` if the file writes one of them in another way than a line in its table.
    """
    lines = text.splitlines(keepends=True)
    for section in dict.fromkeys(name.rpartition(".")[0] for name in numbers):
        first, end = _lines_of(lines, section)
        own = {name.rpartition(".")[2]: value for name, value in numbers.items() if name.rpartition(".")[0] == section}
        for place in range(first, end):
            number = _NUMBER.match(lines[place].rstrip("\r\n"))
            if number and number[2] in own:
                ending = lines[place][len(lines[place].rstrip("\r\n")) :]
                lines[place] = f"{number[1]}{written(own[number[2]])}{number[3]}{ending}"
        _no_longer_assumed(lines, first, end, own)
        _say(lines, first, end, f"{', '.join(own)} {said}")
    made = "".join(lines)
    _check(text, made, numbers, said, shown)
    return made


def written(value: float) -> str:
    """A constant with as many digits as a measurement can tell."""
    return f"{float(f'{value:.4g}'):g}" if value < 1e6 else f"{value:.4g}"


def _lines_of(lines: list[str], section: str) -> tuple[int, int]:
    """Where the lines of a table begin and end."""
    headers = [(place, found[1]) for place, line in enumerate(lines) if (found := _HEADER.match(line.rstrip("\r\n")))]
    for number, (place, name) in enumerate(headers):
        if name == section:
            return place + 1, headers[number + 1][0] if number + 1 < len(headers) else len(lines)
    return 0, 0


def _no_longer_assumed(lines: list[str], first: int, end: int, own: Mapping[str, float]) -> None:
    """Takes numbers out of what a table says is assumed: whoever measures answers for them."""
    for place in range(first, end):
        if found := _ASSUMED.match(lines[place].rstrip("\r\n")):
            left = [each for each in re.findall(r'"([^"]*)"', found[2]) if each not in own]
            ending = lines[place][len(lines[place].rstrip("\r\n")) :]
            lines[place] = f"{found[1]}{json.dumps(left)[1:-1]}{found[3]}{ending}"


def _say(lines: list[str], first: int, end: int, said: str) -> None:
    """Puts a sentence at the end of a table's source."""
    for place in range(first, end):
        if not _SOURCE.match(lines[place]):
            continue
        triple = '"""' in lines[place]
        closing = '"""' if triple else '"'
        last = place
        if triple and lines[place].count('"""') < 2:
            last = next(each for each in range(place + 1, end) if '"""' in lines[each])
        at = lines[last].rindex(closing)
        lines[last] = f"{lines[last][:at]}; {json.dumps(said)[1:-1]}{lines[last][at:]}"
        return


def _check(text: str, made: str, numbers: Mapping[str, float], said: str, shown: str) -> None:
    """The new text has to mean the old one but for the numbers and their sources."""
    try:
        old, new = tomllib.loads(text), tomllib.loads(made)
    except tomllib.TOMLDecodeError:
        new, old = {}, tomllib.loads(text)
    for section in dict.fromkeys(name.rpartition(".")[0] for name in numbers):
        table: Any = old.get(section)
        if isinstance(table, dict):
            own = {name.rpartition(".")[2]: value for name, value in numbers.items() if name.rpartition(".")[0] == section}
            told = f"{table.get('source', '')}; {', '.join(own)} {said}"
            assumed = {"assumed": [each for each in table["assumed"] if each not in own]} if "assumed" in table else {}
            old[section] = {**table, **assumed, **{field: float(written(value)) for field, value in own.items()}, "source": told}
    if old != new:
        names = ", ".join(numbers)
        raise UsageError(
            f"{shown}: {names} cannot be written into it; write each table as [section], with a line for each number"
        )
