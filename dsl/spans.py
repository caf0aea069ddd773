"""Places in a source text, and how they are shown to a person."""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST_LINE = 240
"""The most of a line that a message repeats."""


@dataclass(frozen=True, slots=True)
class Source:
    """One `.tk` text and the name to show for it."""

    name: str
    text: str = field(repr=False)

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its line break; empty past the end."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of source text. Lines and columns count from 1, the end column is exclusive."""

    source: Source = field(repr=False)
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of another one of the same source."""
        return Span(self.source, self.line, self.column, other.end_line, other.end_column)

    @property
    def text(self) -> str:
        """What stands there, of several lines the first one."""
        line = self.source.line(self.line)
        return line[self.column - 1 : self.end_column - 1 if self.end_line == self.line else None]

    def excerpt(self, note: str = "") -> str:
        """The line, its number, and carets under the span; a span of several lines is marked to its first line's end."""
        text = self.source.line(self.line)
        end = self.end_column if self.end_line == self.line else len(text) + 1
        text, start, end = _window(text, self.column, end)
        width = max(1, end - start)
        gutter = " " * len(str(self.line))
        # Tabs before the caret are kept, so that it stands under its character whatever the terminal's tab width is.
        indent = "".join("\t" if letter == "\t" else " " for letter in text[: start - 1])
        carets = f"{indent}{'^' * width}" + (f" {note}" if note else "")
        return f"{self.line} | {text}\n{gutter} | {carets}"


def _window(text: str, start: int, end: int) -> tuple[str, int, int]:
    """Of a very long line what stands around the span, and the span's columns in that."""
    if len(text) <= LONGEST_LINE:
        return text, start, end
    first = max(0, start - 1 - LONGEST_LINE // 4)
    last = min(len(text), first + LONGEST_LINE)
    before, after = "…" if first else "", "…" if last < len(text) else ""
    shift = first - len(before)
    return before + text[first:last] + after, start - shift, min(end - shift, len(before) + last - first + 1)
