"""One canonical layout: blocks of four blanks, one blank around operators, logical lines joined where they fit.

kernel f( x:T[M] )->y:T[M]:             kernel f(x: T[M]) -> y: T[M]:
  y[M]=exp( x [M] )   # e      ->           y[M] = exp(x[M])  # e

It works on words and signs, not on the tree, so that comments stay where they are; and it compares the words and signs of its
result with those of the text, so that it cannot change what the text means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import SourceErrors
from ..spans import Source
from .words import RESERVED

WIDEST = 120
"""Columns into which a logical line is joined; one that is longer keeps its own line breaks."""

_TOKEN = re.compile(
    r'(?P<string>"""(?:[^"]|"(?!""))*"""|"[^"\n]*")|(?P<comment>#[^\n]*)|(?P<augment>\b(?:max|min)=(?!=))|(?P<word>[A-Za-z_]\w*)'
    r"|(?P<number>\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)?)|(?P<newline>\n)|(?P<blank>[ \t]+)"
    r"|(?P<sign>->|\.\.\.|\.\.|\*\*|//|[-+*/]=|[<>=!]=|.)"
)
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")
_OPERANDS = (*_CLOSING, "true", "false")


@dataclass(slots=True)
class _Line:
    """A logical line: what stands between two line breaks outside brackets."""

    margin: int
    """Blanks that it is indented by."""
    rows: list[list[str]] = field(default_factory=lambda: [[]])
    """Its words and signs, those of each physical line for itself."""

    @property
    def tokens(self) -> list[str]:
        return [token for row in self.rows for token in row]

    @property
    def blank(self) -> bool:
        return not self.tokens

    @property
    def comment(self) -> bool:
        """Whether it is nothing but a comment."""
        return len(self.tokens) == 1 and self.tokens[0].startswith("#")


def format_text(text: str, name: str = "<text>") -> str:
    """The text in its canonical layout; raises SourceErrors if it cannot be parsed."""
    from .parser import parse_items

    _, errors = parse_items(Source(name, text))
    if errors:
        raise SourceErrors(errors)
    lines = _levelled(_lines(text.replace("\r\n", "\n")))
    result = "\n".join(_spread(lines)).strip("\n") + "\n"
    again = _levelled(_lines(result))
    assert _words(lines) == _words(again), "the formatter changed a text"
    return result


def _words(lines: list[_Line]) -> list[tuple[int, list[str]]]:
    return [(each.margin, each.tokens) for each in lines if not each.blank]


# --- lines ------------------------------------------------------------------------------------------------------------


def _lines(text: str) -> list[_Line]:
    lines, depth, start = [_Line(0)], 0, True
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match.group()
        if kind == "newline":
            start = depth == 0
            if start:
                lines.append(_Line(0))
            else:
                lines[-1].rows.append([])
        elif kind == "blank":
            lines[-1].margin = len(token) if start else lines[-1].margin
            start = False
        else:
            start = False
            depth += (token in _OPENING) - (token in _CLOSING)
            lines[-1].rows[-1].append(token.rstrip() if kind == "comment" else token)
    return lines


def _levelled(lines: list[_Line]) -> list[_Line]:
    """The lines with their depth in blocks as margin; comments have that of the block they stand in."""
    levels = [0]
    result: list[_Line] = []
    for number, line in enumerate(lines):
        if line.blank:
            result.append(_Line(0))
        elif line.comment:
            following = next((each.margin for each in lines[number:] if not (each.blank or each.comment)), 0)
            # Not further out than what comes next, nor further in than any block that is open or about to be.
            inside = [each for each in {*levels, following} if following <= each <= max(line.margin, following)]
            around = sorted({*(each for each in levels if each < following), *inside})
            result.append(_Line(len(around) - 1, line.rows))
        else:
            while line.margin < levels[-1]:
                levels.pop()
            if line.margin > levels[-1]:
                levels.append(line.margin)
            result.append(_Line(len(levels) - 1, line.rows))
    return result


def _spread(lines: list[_Line]) -> Iterator[str]:
    """The text of all lines, blank lines in their places."""
    waiting, opened, first = False, False, True
    for number, line in enumerate(lines):
        if line.blank:
            waiting = True
            continue
        before_kernel = line.margin == 0 and _starts_kernel(lines, number) and not _under_comment(lines, number)
        if not first and (before_kernel or (waiting and not opened)):
            yield ""
        yield from _rendered(line)
        waiting, opened, first = False, line.tokens[-1] == ":", False


def _starts_kernel(lines: list[_Line], number: int) -> bool:
    """Whether a kernel starts here, or a comment that stands right on it; or whatever comes after a kernel."""
    for line in lines[number:]:
        if line.blank:
            return False
        if not line.comment:
            after = next((each for each in reversed(lines[:number]) if not each.blank), None)
            return line.tokens[0] == "kernel" or (after is not None and after.margin > 0)
    return False


def _under_comment(lines: list[_Line], number: int) -> bool:
    above = lines[number - 1] if number else None
    return above is not None and above.comment and above.margin == 0


# --- one line ---------------------------------------------------------------------------------------------------------


def _rendered(line: _Line) -> Iterator[str]:
    margin = "    " * line.margin
    rows = [row for row in line.rows if row]
    inside = any(token.startswith("#") for row in rows[:-1] for token in row)
    joined = margin + _spaced([token for row in rows for token in row])
    code = joined.split("  #")[0] if not inside else ""
    if len(rows) == 1 or not (inside or len(code) > WIDEST):
        yield joined
        return
    previous = ""
    for number, row in enumerate(rows):
        inner = "    " if number and row[0] not in _CLOSING else ""
        yield margin + inner + _spaced(row, previous)
        previous = next((each for each in reversed(row) if not each.startswith("#")), previous)


def _spaced(tokens: list[str], previous: str = "") -> str:
    text = ""
    unary = False
    for token in tokens:
        gap = "" if not text else "  " if token.startswith("#") else "" if unary else _gap(previous, token)
        text += gap + token
        unary = token in ("+", "-") and not _operand(previous)
        previous = token if not token.startswith("#") else previous
    return text


def _operand(token: str) -> bool:
    """Whether a value may end with this token, so that a sign behind it stands between two values."""
    word = token[:1].isalnum() or token[:1] in ('"', "_")
    return token in _OPERANDS or (word and token not in RESERVED)


def _gap(previous: str, token: str) -> str:
    if token in (",", ":", "..", *_CLOSING) or previous in ("..", *_OPENING):
        return ""
    if token in ("(", "[") and (_operand(previous) and previous not in (")", "}", "true", "false")):
        return ""
    return " "
