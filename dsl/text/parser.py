"""Text -> syntax tree: cuts the file into items, parses each, and collects every item's mistake."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lark import Lark
from lark.exceptions import UnexpectedInput

from ..errors import Diagnostic
from ..spans import Source, Span
from . import syntax
from .lines import MOST_CHARACTERS, Chunk, Layout, LayoutError, chunks
from .misreadings import explain
from .tables import parser
from .tree import TreeBuilder

GRAMMAR = Path(__file__).with_name("grammar.lark")


@cache
def grammar() -> Lark:
    """The parser of the language."""
    return parser(GRAMMAR.read_text(encoding="utf-8"), {"postlex": Layout(), "propagate_positions": True})


def parse_items(source: Source) -> tuple[list[syntax.Item], list[Diagnostic]]:
    """The items of a file that could be read, and what was wrong with the others."""
    whole = Span(source, 1, 1, 1, 1)
    if len(source.text) > MOST_CHARACTERS:
        what = f"this file has {len(source.text)} characters, and at most {MOST_CHARACTERS} are read"
        return [], [Diagnostic("TK125", what, whole, help="share it out over several files: `from FILE import NAME`")]
    pieces = chunks(source.text)
    if not pieces:
        return [], [Diagnostic("TK118", "this file holds no kernel", whole, help="a kernel starts with `kernel name(...)`")]
    items: list[syntax.Item] = []
    errors: list[Diagnostic] = []
    broken = False
    for piece in pieces:
        item, mistakes = _parse_item(source, piece)
        items += [item] if item else []
        # Text in the first column that starts no item is a consequence, if the item before it broke off.
        stray = broken and not piece.starts_item and [each.code for each in mistakes] == ["TK101"]
        errors += [] if stray else mistakes
        broken = item is None
    return items, errors


def _parse_item(source: Source, piece: Chunk) -> tuple[syntax.Item | None, list[Diagnostic]]:
    """An item, if it could be read, and the mistakes found in reading it."""
    if (indented := _indented(source, piece)) is not None:
        return None, [indented]
    builder = TreeBuilder(source, piece.first_line)
    try:
        tree = grammar().parse(piece.text + "\n")
    except UnexpectedInput as error:
        return None, [explain(error, piece, source)]
    except LayoutError as error:
        return None, [Diagnostic(error.code, error.message, builder.span(error.token), help=error.help)]
    return builder.transform(tree), builder.errors


def _indented(source: Source, piece: Chunk) -> Diagnostic | None:
    """The mistake of an item that does not start in the first column; only the first of a file can."""
    for number, line in enumerate(piece.text.split("\n"), piece.first_line):
        text = line.lstrip()
        if text and not text.startswith("#"):
            span = Span(source, number, 1, number, 1 + len(line) - len(text))
            return Diagnostic("TK113", "this line is indented and no block is open", span) if line != text else None
    return None
