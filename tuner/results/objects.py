"""Finds where the objects of a results file begin and end, without parsing them.

A parser stops at the first wrong byte, and recurses as deep as the text nests. These scans do neither, so damage in one entry
does not affect the others.
"""

from __future__ import annotations

import re
from itertools import pairwise

Span = tuple[int, int]

_TOKEN = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\.)*"|[{}\[\]"]')
_FIRST = re.compile(rb'\{\s*"key"\s*:')
"""How an entry begins. Entries do not nest, and no other object has a `key`."""
_CLOSES = {b"{": b"}", b"[": b"]"}
_ELEMENT = [b"}", b"]"]
"""The brackets that are open around an element of the list of entries."""


def elements(text: bytes) -> list[Span] | None:
    """The objects in the list in the outer object. None if brackets or quotes do not pair."""
    found: list[Span] = []
    open_: list[bytes] = []
    start = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in _CLOSES:
            if token == b"{" and open_ == _ELEMENT:
                start = match.start()
            open_.append(_CLOSES[token])
        elif token in b"]}":
            if not open_ or open_.pop() != token:
                return None
            if token == b"}" and open_ == _ELEMENT:
                found.append((start, match.end()))
        elif len(token) == 1:
            return None
    return None if open_ else found


def scattered(text: bytes) -> list[Span]:
    """Everything that looks like an entry, wherever it stands. For files whose outer structure is damaged."""
    starts = [match.start() for match in _FIRST.finditer(text)]
    closed = ((start, _end(text, start, stop)) for start, stop in pairwise([*starts, len(text)]))
    return [(start, end) for start, end in closed if end is not None]


def _end(text: bytes, start: int, stop: int) -> int | None:
    """Where the object that begins at `start` closes, or None if it does not close before `stop`."""
    open_: list[bytes] = []
    for match in _TOKEN.finditer(text, start, stop):
        token = match[0]
        if token in _CLOSES:
            open_.append(_CLOSES[token])
        elif token in b"]}":
            if open_.pop() != token:
                return None
            if not open_:
                return match.end()
        elif len(token) == 1:
            return None
    return None
