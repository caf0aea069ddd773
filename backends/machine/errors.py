"""What can be wrong with a kernel or a configuration on a chip."""

from __future__ import annotations

from tilery.dsl.errors import TileryError
from tilery.dsl.spans import Span


class Infeasible(TileryError):
    """A configuration that the chip cannot hold."""

    def __init__(self, limit: str, message: str, over: float) -> None:
        super().__init__(message)
        self.limit = limit
        """Which limit: `sbuf` or `psum`."""
        self.over = over
        """By how many bytes a partition it is exceeded (`sbuf`), or by how many banks (`psum`)."""


class CannotLower(TileryError):
    """A construct that a chip has no instruction for: says which chip, why, and what to write instead."""

    def __init__(self, chip: str, span: Span, why: str, instead: str) -> None:
        super().__init__(f"{span}: {chip} cannot do this: {why}\n{span.excerpt()}\nhelp: {instead}")
        self.span = span


class EngineFault(TileryError):
    """An engine program that does what the chip leaves undefined; one that this package made is a bug of it."""
