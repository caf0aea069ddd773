"""The contents of a results file: its entries, items that are no valid entries, and whether it may be overwritten."""

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
"""What some editors put in front."""


@dataclass(frozen=True, slots=True)
class Bad:
    """An item in the list of entries that is no valid entry."""

    text: bytes
    problem: str
    name: tuple[Key, str] | None
    """The key and objective, where these can be read: tuning the same again replaces it."""

    @property
    def title(self) -> str:
        """Which one it is, as far as can be told."""
        return f"the entry {self.name[0]}" if self.name else "an entry"


@dataclass(frozen=True, slots=True)
class Contents:
    """A results file, read with care."""

    entries: tuple[Entry, ...] = ()
    """Those that hold, in their order."""
    bad: tuple[Bad, ...] = ()
    """The others: their text is kept as it is."""
    damage: str = ""
    """What is wrong with the file as a whole; such a file is never written over."""
    newer: int | None = None
    """The version of its layout, if this tilery does not know it."""


class _Frame(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    entries: list[msgspec.Raw]


class _Version(msgspec.Struct):
    format: int


class _Named(msgspec.Struct):
    key: Key
    objective: str


class _Twice(ValueError):
    """A name that an object has twice: one half would hide the other."""


def contents_of(text: bytes) -> Contents:
    """Reads a results file. One entry that is wrong never hides another, nor does damage between them."""
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
    """The entries that are whole, wherever in the text they stand."""
    read = (_entry(text[start:end]) for start, end in scattered(text))
    return (each for each in read if isinstance(each, Entry))


def _without(text: bytes, spans: list[tuple[int, int]]) -> bytes:
    """The text with an empty object for each."""
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
