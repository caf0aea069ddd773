"""The errors of a kernel or a configuration on a chip."""

from __future__ import annotations

from tilery.dsl.errors import Diagnosed, Diagnostic, TileryError
from tilery.dsl.program import Value
from tilery.dsl.spans import Span


class Infeasible(Diagnosed):
    """A configuration that the chip cannot hold; its place is that of the largest buffer."""

    def __init__(self, diagnostic: Diagnostic, limit: str, over: float) -> None:
        super().__init__([diagnostic])
        self.limit = limit
        """The name of the memory whose limit is exceeded."""
        self.over = over
        """By how many of its units: bytes a partition, banks."""


class CannotLower(Diagnosed):
    """A construct that a chip has no instruction for: says which chip, why, and what to write instead.

    The code names the kind of cause; its page stands in `refusals.toml`.
    """

    def __init__(self, code: str, chip: str, span: Span, why: str, instead: str) -> None:
        super().__init__([Diagnostic(code, f"{chip} cannot do this: {why}", span, help=instead)])
        self.span = span


def said(value: Value) -> str:
    """A value as its author calls it: by its name, or by its text where it has none."""
    return f"`{value.span.text}`" if value.name.startswith("%") else value.name


class EngineFault(TileryError):
    """An engine program whose result the chip leaves undefined. If this package made the program, that is our bug."""
