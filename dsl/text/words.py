"""The words of the language, which name nothing else."""

from __future__ import annotations

ITEM_WORDS = ("kernel", "fn", "from")
"""What a top-level item starts with."""

STATEMENT_WORDS = ("tile", "for", "if", "elif", "else", "reference", "require", "axis", "tune", "print")
"""What a statement may start with."""

CONTEXT_WORDS = ("temp", "inout", "distinct")
"""What means something at one place only, and is a name anywhere else: `temp h: T[M]`, `x: inout T[M]`."""

RESERVED = frozenset((*ITEM_WORDS, *STATEMENT_WORDS, "import", "in", "of", "by", "or", "and", "not", "true", "false"))
"""Every word that the grammar knows."""
