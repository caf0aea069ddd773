"""Text -> syntax tree: cuts the file into items, parses each, and collects every item's mistake."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs
from lark import Lark
from lark.exceptions import UnexpectedInput

from . import syntax
from .errors import Diagnostic
from .layout import Chunk, Layout, LayoutError, chunks
from .misreadings import explain
from .spans import Source, Span
from .tree import TreeBuilder

GRAMMAR = Path(__file__).with_name("grammar.lark")


@cache
def grammar() -> Lark:
    """The parser's tables; building them takes a third of a second, so they are kept in the user's cache directory.

    lark compares the hash of grammar, options and versions, and builds anew where the kept tables do not match, cannot be
    read or cannot be written.
    """
    folder = Path(platformdirs.user_cache_dir("tilery"))
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return Lark(
        GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        lexer="contextual",
        postlex=Layout(),
        propagate_positions=True,
        cache=str(folder / "grammar.lark-tables"),
    )


def parse_items(source: Source) -> tuple[list[syntax.Item], list[Diagnostic]]:
    """The items of a file that could be read, and what was wrong with the others."""
    pieces = chunks(source.text)
    if not pieces:
        whole = Span(source, 1, 1, 1, 1)
        return [], [Diagnostic("TK118", "this file holds no kernel", whole, help="a kernel starts with `kernel name(...)`")]
    items: list[syntax.Item] = []
    errors: list[Diagnostic] = []
    broken = False
    for piece in pieces:
        builder = TreeBuilder(source, piece.first_line)
        if (indented := _indented(source, piece)) is not None:
            errors.append(indented)
            broken = True
            continue
        try:
            tree = grammar().parse(piece.text + "\n")
        except UnexpectedInput as error:
            diagnostic = explain(error, piece, source)
            # Text in the first column that starts no item is a consequence, if the item before it broke off.
            if not broken or piece.starts_item or diagnostic.code != "TK101":
                errors.append(diagnostic)
            broken = True
        except LayoutError as error:
            errors.append(_misplaced(error, piece, builder))
            broken = True
        else:
            items.append(builder.transform(tree))
            errors += builder.errors
            broken = False
    return items, errors


def _indented(source: Source, piece: Chunk) -> Diagnostic | None:
    """The mistake of an item that does not start in the first column; only the first of a file can."""
    for number, line in enumerate(piece.text.split("\n"), piece.first_line):
        text = line.lstrip()
        if text and not text.startswith("#"):
            span = Span(source, number, 1, number, 1 + len(line) - len(text))
            return Diagnostic("TK113", "this line is indented and no block is open", span) if line != text else None
    return None


def _misplaced(error: LayoutError, piece: Chunk, builder: TreeBuilder) -> Diagnostic:
    return Diagnostic(error.code, error.message, builder.span(error.token), help=error.help)
