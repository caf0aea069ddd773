"""The colours: Pygments and the TextMate grammar know every word of the language, and no text is an error to them."""

import json
import re
from pathlib import Path

import pytest
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, Number, String, _TokenType

from tilery.dsl.functions import NAMED, REDUCTIONS, SCANS
from tilery.dsl.text.words import CONTEXT_WORDS, RESERVED
from tilery.dsl.types import ELEMENT_TYPES
from tilery.highlighting import TkLexer

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "kernels").glob("*.tk")), *sorted((ROOT / "tests" / "kernels").rglob("*.tk"))]
GRAMMAR = json.loads((ROOT / "editors" / "vscode" / "syntaxes" / "tk.tmLanguage.json").read_text(encoding="utf-8"))


def tokens(text: str) -> list[tuple[_TokenType, str]]:
    return [(kind, part) for kind, part in TkLexer().get_tokens(text) if part.strip()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_part_of_a_kernel_is_an_error(path: Path) -> None:
    assert not [part for kind, part in tokens(path.read_text(encoding="utf-8")) if kind is Error]


def test_kinds() -> None:
    text = 'kernel f(x: bf16[M]) -> y: T[M]:\n    """Doc."""\n    y[M] = exp(x[M]) + my(1.5)  # why\n'
    found = {part: kind for kind, part in tokens(text)}
    assert found["kernel"] is Keyword.Declaration and found["f"] is Name.Function and found["bf16"] is Keyword.Type
    assert found["exp"] is Name.Builtin and found["my"] is Name.Function and found["1.5"] is Number.Float
    assert found["# why"] is Comment.Single and found["Doc."] is String.Doc and found["M"] is Name.Constant


def test_pygments_finds_the_lexer() -> None:
    assert isinstance(get_lexer_by_name("tk"), TkLexer)
    assert isinstance(get_lexer_for_filename("matmul.tk"), TkLexer)


def patterns() -> str:
    return json.dumps(GRAMMAR)


def test_the_textmate_grammar_names_every_word() -> None:
    assert GRAMMAR["scopeName"] == "source.tk"
    for word in (*RESERVED, *CONTEXT_WORDS, *ELEMENT_TYPES, *NAMED, *REDUCTIONS, *SCANS):
        assert re.search(rf"\b{word}\b", patterns()), word


def test_the_extension_is_whole() -> None:
    folder = ROOT / "editors" / "vscode"
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    (language,) = package["contributes"]["languages"]
    (grammar,) = package["contributes"]["grammars"]
    assert language["extensions"] == [".tk"] and grammar["scopeName"] == GRAMMAR["scopeName"]
    for path in (language["configuration"], grammar["path"], package["main"]):
        assert (folder / path).is_file(), path
