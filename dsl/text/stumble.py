"""The place at which the parser gave up on a text."""

from __future__ import annotations

from dataclasses import dataclass

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from ..spans import Source, Span
from .lines import Chunk


@dataclass(frozen=True, slots=True)
class Stumble:
    """Where the parser stopped, and what it would have taken."""

    chunk: Chunk
    source: Source
    line: int
    """In the chunk, from 1."""
    column: int
    kind: str
    """The terminal that was found, empty for a character that starts none."""
    found: str
    accepts: frozenset[str]

    @property
    def text(self) -> str:
        """The line."""
        return self.chunk.text.split("\n")[self.line - 1]

    @property
    def before(self) -> str:
        """The text of the chunk before it."""
        lines = self.chunk.text.split("\n")
        return "\n".join([*lines[: self.line - 1], self.text[: self.column - 1]])

    def span(self, line: int = 0, column: int = 0, width: int = 0) -> Span:
        """A stretch of a line of the chunk, by itself what was found."""
        line, column = line or self.line, column or self.column
        width = width or max(1, len(self.found.split("\n")[0]))
        number = line + self.chunk.first_line - 1
        return Span(self.source, number, column, number, column + width)


def stumble_of(error: UnexpectedInput, chunk: Chunk, source: Source) -> Stumble:
    """Where lark's error stands; the end of a text is put behind its last word."""
    lines = chunk.text.split("\n")
    within = isinstance(error, UnexpectedToken) and error.token.type != "$END" and (error.token.line or 1) <= len(lines)
    if isinstance(error, UnexpectedToken) and within:
        line, column = error.token.line or 1, error.token.column or 1
        accepts = frozenset(error.accepts or error.expected)
        return Stumble(chunk, source, line, column, error.token.type, str(error.token), accepts)
    if isinstance(error, UnexpectedCharacters):
        return Stumble(chunk, source, error.line, error.column, "", error.char, frozenset(error.allowed or ()))
    accepts = frozenset(error.accepts or error.expected) if isinstance(error, UnexpectedToken) else frozenset[str]()
    line, column = end_of(lines)
    return Stumble(chunk, source, line, column, "$END", "", accepts)


def end_of(lines: list[str]) -> tuple[int, int]:
    """Line and column behind the last text in `lines`."""
    last = max((number for number, text in enumerate(lines, 1) if text.strip()), default=1)
    return last, len(lines[last - 1].rstrip()) + 1
