"""Several results as one value: a named tuple whose fields are the results' names."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from functools import cache
from typing import Any


def named_results(kernel: str, names: Sequence[str], values: Sequence[object]) -> tuple[Any, ...]:
    """The values by the names of the results; a name that Python reserves is `_0`, `_1`, by its place."""
    made: tuple[Any, ...] = _kind(kernel, tuple(names))(*values)
    return made


@cache
def _kind(kernel: str, names: tuple[str, ...]) -> type[Any]:
    base = namedtuple(kernel, names, rename=True)  # type: ignore[misc]

    def reduce(self: tuple[Any, ...]) -> tuple[object, ...]:
        """Pickles by field names: another process has no such class, and makes it again."""
        return named_results, (kernel, names, tuple(self))

    return type(kernel, (base,), {"__slots__": (), "__reduce__": reduce, "__module__": __name__})
