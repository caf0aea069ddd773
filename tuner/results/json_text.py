"""Lays out a results file as JSON for diffs: one field a line, small objects on one line."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from .contents import FORMAT, Bad
from .entry import Entry, Key


def text_of(entries: Sequence[Entry], bad: Sequence[Bad] = ()) -> bytes:
    """The text of a results file. Equal entries give equal text. The invalid items follow unchanged."""
    ordered = sorted(entries, key=lambda each: (*_order(each.key), each.objective))
    blocks = [_block(msgspec.to_builtins(each)).encode() for each in ordered]
    body = b",\n".join([*blocks, *(b"    " + each.text for each in bad)])
    return b'{\n  "format": %d,\n  "entries": [\n%s\n  ]\n}\n' % (FORMAT, body)


def _order(key: Key) -> tuple[str, ...]:
    """Sort key in which numbers are padded, so that they sort by value."""
    dims = (f"{name}={size:020}" for name, size in sorted(key.dims.items()))
    return (key.kernel, key.chip, *map(str, sorted(key.types.items())), *dims, *map(str, sorted(key.constants.items())))


def _block(fields: dict[str, object]) -> str:
    lines = []
    for name, value in fields.items():
        if isinstance(value, list) and value:
            rows = ",\n".join(f"        {json.dumps(row)}" for row in value)
            lines.append(f'      "{name}": [\n{rows}\n      ]')
        else:
            lines.append(f'      "{name}": {json.dumps(value)}')
    return "    {\n" + ",\n".join(lines) + "\n    }"
