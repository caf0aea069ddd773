"""The grammar itself, its cached tables, and how quickly the package comes up."""

import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from lark import Lark

from tilery.dsl.layout import Layout, chunks
from tilery.dsl.parser import GRAMMAR, grammar

TEXT = "kernel f(x: T[M]) -> y: T[M]:\n    y[M] = x[M]\n"


def test_no_conflict_is_resolved_silently() -> None:
    strict = Lark(GRAMMAR.read_text(), parser="lalr", lexer="contextual", postlex=Layout(), strict=True)
    assert strict.parse(TEXT)


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"0" * 64 + b"\n\x80\x04."])
def test_a_bad_cache_is_built_anew(content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    if content is None:
        folder.write_text("a file where the folder should be")
    else:
        folder.mkdir()
        (folder / "grammar.lark-tables").write_bytes(content)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(folder))
    assert grammar.__wrapped__().parse(TEXT)
    assert grammar.__wrapped__().parse(TEXT)


def test_importing_the_package_does_not_import_lark() -> None:
    code = "import sys, tilery.dsl; sys.exit('lark' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_items_are_cut_at_the_first_column() -> None:
    text = '# head\nkernel a(\n    x\n) -> y:\n    """doc\nkernel of nothing\n    """\nfn b(x) = (x +\nx)\n\nkernel c(\n'
    assert [(each.first_line, each.text.split("(")[0]) for each in chunks(text)] == [
        (2, "kernel a"),
        (8, "fn b"),
        (11, "kernel c"),
    ]
