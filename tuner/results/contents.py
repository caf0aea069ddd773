"""The contents of a results file: its entries, its invalid items, and whether the file may be overwritten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from .entry import Entry, Key
from .objects import elements, scattered

FORMAT = 1
"""The version of the layout."""

BOM = b"\xef\xbb\xbf"
"""The byte order mark that some editors write."""


@dataclass(frozen=True, slots=True)
class Bad:
    """An item in the list of entries that is no valid entry."""

    text: bytes
    problem: str
    name: tuple[Key, str] | None
    """The key and objective, if they can be read. Tuning the same key again replaces the item."""

    @property
    def title(self) -> str:
        """The item's kernel and shape, as far as they can be read."""
        return f"the entry {self.name[0]}" if self.name else "an entry"


@dataclass(frozen=True, slots=True)
class Contents:
    """What could be read of a results file."""

    entries: tuple[Entry, ...] = ()
    """The valid entries, in the order of the file."""
    bad: tuple[Bad, ...] = ()
    """The invalid items. Their text is kept unchanged."""
    damage: str = ""
    """What is wrong with the whole file. Such a file is never overwritten."""
    newer: int | None = None
    """The layout version, if this tilery does not know it."""


class _Frame(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    entries: list[msgspec.Raw]


class _Version(msgspec.Struct):
    format: int


class _Named(msgspec.Struct):
    key: Key
    objective: str


class _Twice(ValueError):
    """An object has one name twice, so that one value would hide the other."""


def contents_of(text: bytes) -> Contents:
    """Reads a results file. An invalid entry, or damage between entries, never hides the other entries."""
    text = text.removeprefix(BOM)
    spans = elements(text)
    if spans is None:
        return _salvaged(text, "its brackets or quotes do not pair", None)
    frame = _without(text, spans)
    try:
        version = msgspec.json.decode(frame, type=_Version).format
        if version > FORMAT:
            return Contents(newer=version)
        found = msgspec.json.decode(frame, type=_Frame).entries
        _check_once(frame)
    except (ValueError, RecursionError) as error:
        return _salvaged(text, str(error), None)
    objects = iter(spans)
    pieces = [text[slice(*next(objects))] if bytes(raw) == b"{}" else bytes(raw) for raw in found]
    good: list[Entry] = []
    bad: list[Bad] = []
    for piece in pieces:
        read = _entry(piece)
        if isinstance(read, Entry):
            good.append(read)
        else:
            bad.append(read)
            good.extend(_whole_ones(piece))
    return Contents(tuple(good), tuple(bad))


def _salvaged(text: bytes, damage: str, newer: int | None) -> Contents:
    return Contents(tuple(_whole_ones(text)), (), damage, newer)


def _whole_ones(text: bytes) -> Iterator[Entry]:
    """The complete entries, wherever they stand in the text."""
    read = (_entry(text[start:end]) for start, end in scattered(text))
    return (each for each in read if isinstance(each, Entry))


def _without(text: bytes, spans: list[tuple[int, int]]) -> bytes:
    """The text with each of these objects replaced by an empty one."""
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(text)]
    return b"{}".join(text[end:start] for end, start in zip(ends, starts, strict=True))


def _entry(text: bytes) -> Entry | Bad:
    try:
        entry = msgspec.json.decode(text, type=Entry)
        _check_once(text)
    except RecursionError:
        return Bad(text, "it is nested too deep", _name(text))
    except ValueError as error:  # what msgspec raises for bad JSON, bad fields and bad UTF-8 alike
        return Bad(text, str(error), _name(text))
    return entry


def _name(text: bytes) -> tuple[Key, str] | None:
    try:
        named = msgspec.json.decode(text, type=_Named)
    except (ValueError, RecursionError):
        return None
    return named.key, named.objective


def _check_once(text: bytes) -> None:
    json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(f"`{next(name for name in names if names.count(name) > 1)}` stands in it twice")
    return found
