"""Line structure: cutting a file into its top-level items, and turning indentation into tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lark.lark import PostLex
from lark.lexer import Token

from ..errors import Portable

OPENING = {"(": ")", "[": "]", "{": "}"}
DEEPEST_BLOCK = 40
"""Blocks inside blocks; what comes after recurses into them."""

MOST_TOKENS = 50_000
"""Words and signs of one item; parsing takes some 30 microseconds for each."""
MOST_CHARACTERS = 500_000
"""Of a whole file: all of it is checked while one types."""

_LANDMARK = re.compile(r'"""(?:[^"]|"(?!""))*(?:"""|\Z|"")|"[^"\n]*"?|#[^\n]*|[()\[\]{}]|\n')
_ITEM = re.compile(r"(?:kernel|fn|from)\b")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A top-level item's text and the line of the file at which it starts."""

    text: str
    first_line: int

    @property
    def starts_item(self) -> bool:
        """Whether it starts with the word of an item."""
        return _ITEM.match(self.text) is not None


class LayoutError(Portable):
    """Indentation or nesting that means nothing; `token` says where, in the chunk."""

    def __init__(self, code: str, message: str, token: Token, help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.token, self.help = code, message, token, help


def chunks(text: str) -> list[Chunk]:
    """Cuts where a line starts in the first column outside brackets and strings, or with the word of an item."""
    starts, depth = [0], 0
    for mark in _LANDMARK.finditer(text):
        letter = mark.group()
        if letter in OPENING:
            depth += 1
        elif letter in OPENING.values():
            depth = max(0, depth - 1)
        elif letter == "\n" and _starts_item(text, mark.end(), depth):
            starts.append(mark.end())
            depth = 0
    pieces = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    lines = [1 + text.count("\n", 0, start) for start in starts] if len(starts) < 2 else _line_numbers(pieces)
    return [Chunk(piece, line) for piece, line in zip(pieces, lines, strict=True) if not _blank(piece)]


def _starts_item(text: str, at: int, depth: int) -> bool:
    """Whether the line at an offset begins a new item; inside an open bracket only an item's own word does."""
    if _ITEM.match(text, at):
        return True
    return depth == 0 and text[at : at + 1] not in ("", " ", "\t", "\r", "\n", "#", ")", "]", "}")


def _line_numbers(pieces: list[str]) -> list[int]:
    numbers = [1]
    for piece in pieces:
        numbers.append(numbers[-1] + piece.count("\n"))
    return numbers[:-1]


def _blank(text: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") for line in text.split("\n"))


def open_bracket(text: str) -> int | None:
    """The offset of the last bracket in `text` that is never closed."""
    stack: list[int] = []
    for mark in _LANDMARK.finditer(text):
        if mark.group() in OPENING:
            stack.append(mark.start())
        elif mark.group() in OPENING.values() and stack:
            stack.pop()
    return stack[-1] if stack else None


class Layout(PostLex):
    """Puts `_INDENT` and `_DEDENT` tokens into the stream of tokens, and drops line breaks inside brackets.

    It holds no state: each parse has its own in the generator, so that threads and failed parses leave nothing behind.
    (lark's `Indenter` keeps it on the instance, raises without a place, and counts a tab as blanks.)
    """

    always_accept = ("_NL",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """The stream with its indentation made tokens; raises LayoutError where it means nothing."""
        depth, levels, last = 0, [0], None
        for number, token in enumerate(stream):
            last = token
            if number > MOST_TOKENS:
                raise LayoutError("TK125", f"this item comes to more than {MOST_TOKENS} words and signs", token)
            if token.type == "_NL":
                if depth == 0:
                    yield token
                    yield from self._indentation(token, levels)
                continue
            depth = self._depth(depth, token)
            yield token
        for _ in levels[1:]:
            yield Token.new_borrow_pos("_DEDENT", "", last) if last else Token("_DEDENT", "")

    def _indentation(self, newline: Token, levels: list[int]) -> Iterator[Token]:
        margin = newline.rsplit("\n", 1)[1]
        end_line, end_column = newline.end_line or 1, newline.end_column or 1
        place = Token("_NL", margin, line=end_line, column=1, end_line=end_line, end_column=max(2, end_column))
        if "\t" in margin:
            raise LayoutError("TK104", "a tab in the indentation", place, "indent with blanks only")
        if len(margin) > levels[-1]:
            if len(levels) > DEEPEST_BLOCK:
                raise LayoutError("TK111", f"blocks are nested more than {DEEPEST_BLOCK} deep", place)
            levels.append(len(margin))
            yield Token.new_borrow_pos("_INDENT", margin, place)
        around = ", ".join(str(level) for level in levels)
        while len(margin) < levels[-1]:
            levels.pop()
            yield Token.new_borrow_pos("_DEDENT", "", place)
        if len(margin) != levels[-1]:
            wanted = f"the blocks around it stand at {around}"
            raise LayoutError("TK107", f"this indentation of {len(margin)} blanks matches no block", place, wanted)

    def _depth(self, depth: int, token: Token) -> int:
        if token.type in ("LPAR", "LSQB", "LBRACE"):
            return depth + 1
        if token.type in ("RPAR", "RSQB", "RBRACE"):
            return max(0, depth - 1)
        return depth
