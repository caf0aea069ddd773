"""The grammar itself, its cached tables, and how quickly the package comes up."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import msgspec
import platformdirs
import pytest
from lark import Lark
from lark.exceptions import UnexpectedInput

from tilery.dsl.text import tables
from tilery.dsl.text.lines import Layout, chunks
from tilery.dsl.text.parser import GRAMMAR, grammar

EMPTY_TABLES = msgspec.msgpack.encode({"data": {}, "memo": {1: 2}})
TEXT = "kernel f(x: T[M]) -> y: T[M]:\n    y[M] = x[M]\n"


def test_no_conflict_is_resolved_silently() -> None:
    strict = Lark(GRAMMAR.read_text(), parser="lalr", lexer="contextual", postlex=Layout(), strict=True)
    assert strict.parse(TEXT)


class Armed:
    """Unpickled, it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


def kept_tables(folder: Path) -> Path:
    (only,) = folder.glob("grammar*")
    return only


def test_tables_are_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / "cache"))
    built = grammar.__wrapped__()
    monkeypatch.setattr(tables, "_tables", lambda built: pytest.fail("built anew"))
    read = grammar.__wrapped__()
    assert read.parse(TEXT) == built.parse(TEXT)
    for broken in ("kernel f(", "kernel f(x: T[M]) -> y: T[M]:\n    y[M] = x M\n"):
        expected = []
        for each in (built, read):
            with pytest.raises(UnexpectedInput) as raised:
                each.parse(broken)
            expected.append((raised.value.line, getattr(raised.value, "accepts", None)))
        assert expected[0] == expected[1]


@pytest.mark.parametrize(
    "content", [None, b"", b"garbage", msgspec.msgpack.encode({"data": {}, "memo": {1: 2}}), "cut", "pickle"]
)
def test_a_bad_cache_is_built_anew(content: bytes | str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(folder))
    if content is None:
        folder.write_text("a file where the folder should be")
    else:
        assert grammar.__wrapped__().parse(TEXT)
        file = kept_tables(folder)
        if content == "cut":
            content = file.read_bytes()[:-100]
        elif content == "pickle":
            content = pickle.dumps(Armed(tmp_path / "trace"))
        assert isinstance(content, bytes)
        file.write_bytes(content)
    assert grammar.__wrapped__().parse(TEXT)
    assert grammar.__wrapped__().parse(TEXT)
    assert not (tmp_path / "trace").exists()


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
