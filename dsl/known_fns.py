"""`fn`s by name, each with the names that its own file knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .text import syntax


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A `fn` that may be called, and what it may call itself."""

    node: syntax.Function
    home: Mapping[str, Known] = field(repr=False)
    """The `fn`s visible in the file that declares it."""


Functions = Mapping[str, Known]
