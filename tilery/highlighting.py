"""A Pygments lexer for `.tk`. Pygments finds it through an entry point; nothing else imports this."""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Whitespace

from .dsl.functions import NAMED, REDUCTIONS, SCANS
from .dsl.text.words import RESERVED
from .dsl.types import ELEMENT_TYPES

_BUILT_IN = (*NAMED, *REDUCTIONS, *SCANS, "zeros", "full", "index", "dot", "rand")


class TkLexer(RegexLexer):
    """Tile kernels."""

    name = "tk"
    url = "https://pypi.org/project/tilery"
    aliases: ClassVar[list[str]] = ["tk", "tilery"]
    filenames: ClassVar[list[str]] = ["*.tk"]
    tokens: ClassVar[dict[str, list[object]]] = {
        "root": [
            (r"#[^\n]*", Comment.Single),
            (r'"""', String.Doc, "doc"),
            (r'"[^"\n]*"', String.Double),
            (r"\b(kernel|fn)(\s+)([A-Za-z_]\w*)", bygroups(Keyword.Declaration, Whitespace, Name.Function)),  # type: ignore[no-untyped-call]
            (r"^(\s*)(temp)(?=\s+[A-Za-z_]\w*\s*:)", bygroups(Whitespace, Keyword.Declaration)),  # type: ignore[no-untyped-call]
            (r"(:)(\s*)(inout|distinct)(?=\s+[A-Za-z])", bygroups(Punctuation, Whitespace, Keyword.Declaration)),  # type: ignore[no-untyped-call]
            (words(("true", "false", "inf"), prefix=r"\b", suffix=r"\b"), Keyword.Constant),
            (words(("and", "or", "not"), prefix=r"\b", suffix=r"\b"), Operator.Word),
            (words(sorted(RESERVED), prefix=r"\b", suffix=r"\b"), Keyword),
            (words((*ELEMENT_TYPES, "int"), prefix=r"\b", suffix=r"\b"), Keyword.Type),
            (words(_BUILT_IN, prefix=r"\b", suffix=r"(?=[\[(])"), Name.Builtin),
            (r"[A-Za-z_]\w*(?=\()", Name.Function),
            (r"[A-Z]\w*\b", Name.Constant),
            (r"[a-z_]\w*", Name),
            (r"\d+(\.\d+([eE][+-]?\d+)?|[eE][+-]?\d+)", Number.Float),
            (r"\d+", Number.Integer),
            (r"->|\.\.\.|\.\.|\*\*|//|(max|min)=(?!=)|[-+*/]=|[<>=!]=|[-+*/%@<>=]", Operator),
            (r"[()\[\]{},:]", Punctuation),
            (r"\s+", Whitespace),
        ],
        "doc": [(r'[^"]+', String.Doc), (r'"""', String.Doc, "#pop"), (r'"', String.Doc)],
    }
