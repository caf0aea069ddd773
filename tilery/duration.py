"""Lengths of time as people write them."""

from __future__ import annotations

import re

from .dsl.errors import UsageError

_SECONDS = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds(text: str | float) -> float:
    """Seconds of `30`, `30s`, `500ms`, `2m`, `1.5h`. `UsageError` for anything else, and for nothing at all."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*", str(text))
    if not match or match[2] not in _SECONDS or not float(match[1]):
        raise UsageError(f"`{text}` is no length of time; write for example 30s, 2m or 1h")
    return float(match[1]) * _SECONDS[match[2]]
