"""What a person most likely meant where the text could not be parsed."""

from __future__ import annotations

from lark.exceptions import UnexpectedInput

from .errors import Diagnostic
from .layout import Chunk
from .spans import Span
from .tree import TreeBuilder


def explain(error: UnexpectedInput, piece: Chunk, builder: TreeBuilder) -> Diagnostic:
    """One diagnostic for a parse error."""
    line = max(1, error.line) + piece.first_line - 1
    return Diagnostic(
        "TK101", str(error).split("\n")[0], Span(builder.source, line, max(1, error.column), line, max(1, error.column) + 1)
    )
