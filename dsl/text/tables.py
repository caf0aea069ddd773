"""The parser's tables, kept in the user's cache folder between runs: building them takes a third of a second.

They are kept as MessagePack, which holds data only: lark's own cache is a pickle, and reading one runs whatever a person who
can write to the folder has put there.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import lark
import msgspec
import platformdirs
from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

from ..looking import is_file

WIDEST = 2**63
"""What stands for the width of a terminal that may be any length: lark says 2**64, which MessagePack has not."""
MOST_BYTES = 2**24
"""A larger file is none of ours."""


def parser(grammar: str, options: Mapping[str, Any]) -> Lark:
    """The parser of a grammar, from the tables kept by an earlier run where these fit, else built and kept.

    A file that is missing, damaged or not to be written only costs time.
    """
    path = _path(grammar)
    kept = _read(path)
    if kept is not None:
        with suppress(KeyError, TypeError, ValueError, AttributeError, AssertionError, lark.exceptions.LarkError):
            load: Callable[..., Lark] = Lark._load_from_dict
            return load(kept["data"], kept["memo"], **options)
    built = Lark(grammar, parser="lalr", lexer="contextual", **options)
    with suppress(OSError):
        _write(path, _tables(built))
    return built


def _path(grammar: str) -> Path:
    """One file for each grammar, and for each version of what builds and reads it."""
    versions = f"{lark.__version__} {sys.version_info[:2]} {grammar}"
    name = f"grammar-{hashlib.sha256(versions.encode()).hexdigest()[:16]}.msgpack"
    return Path(platformdirs.user_cache_dir("tilery")) / name


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if not is_file(path) or path.stat().st_size > MOST_BYTES:
            return None
        return msgspec.msgpack.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        return None


def _tables(built: Lark) -> bytes:
    data, memo = built.memo_serialize([TerminalDef, Rule])
    # The layout is an object of ours: it is given anew at every reading.
    data["options"] = {**data["options"], "postlex": None}
    return msgspec.msgpack.encode({"data": data, "memo": _narrowed(memo)})


def _narrowed(value: Any) -> Any:
    """The same data with no number that MessagePack cannot hold."""
    match value:
        case dict():
            return {key: _narrowed(each) for key, each in value.items()}
        case list() | tuple():
            return [_narrowed(each) for each in value]
        case int():
            return min(value, WIDEST)
        case _:
            return value


def _write(path: Path, content: bytes) -> None:
    """Another process sees the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
