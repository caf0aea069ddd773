"""The results file beside a kernel, `matmul.tk` -> `matmul.tuned.json`: read with care, written whole or not at all.

Two tuners on one file lose nothing: each writes under a lock, onto what the other wrote, through a file that is renamed
into place. A file that cannot be understood is never written over.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from ..dsl.errors import TileryError
from .entry import Entry, Key

FORMAT = 1
"""The version of the layout below."""
LOCK_TIMEOUT_S = 30.0


class ResultsError(TileryError):
    """A results file that cannot be read or written; the message says what to do."""


class _Head(msgspec.Struct):
    format: int


class _Contents(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    entries: list[Entry]


class TunedFile:
    """The tuned entries of one `.tk` file."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @classmethod
    def beside(cls, source: str | Path) -> TunedFile:
        """The results file of `source`, whether it exists or not."""
        return cls(Path(source).with_suffix(".tuned.json"))

    def read(self) -> list[Entry]:
        """Every entry; none if there is no file. `ResultsError` if the file is damaged or of a newer tilery."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ResultsError(f"{self.path}: cannot be read: {error.strerror}") from None
        return self._decoded(text)

    def write(self, entry: Entry) -> None:
        """Adds an entry, or replaces the one of the same key and objective; every other entry stays as it is."""
        name = (entry.key, entry.objective)
        self._change(lambda entries: [*(each for each in entries if (each.key, each.objective) != name), entry])

    def remove(self, gone: Sequence[Entry]) -> None:
        """Takes entries out; one that another tuner has replaced meanwhile stays."""
        self._change(lambda entries: [each for each in entries if each not in gone])

    def _change(self, change: Callable[[list[Entry]], list[Entry]]) -> None:
        path = self.path.resolve()  # a link stays a link, its target is replaced
        try:
            lock = path.with_name(f".{path.name}.lock")
            lock.touch()  # where that cannot be, FileLock may take it for another tuner's lock, and wait
            with FileLock(lock, timeout=LOCK_TIMEOUT_S):
                _replace(path, _text(change(self.read())))
        except Timeout:
            raise ResultsError(f"{self.path}: another tuner has held it for {LOCK_TIMEOUT_S:.0f} s; try again later") from None
        except OSError as error:
            raise ResultsError(
                f"{self.path}: cannot be written: {error.strerror}\nhelp: name another place with --output FILE"
            ) from None

    def _decoded(self, text: bytes) -> list[Entry]:
        try:
            version = msgspec.json.decode(text, type=_Head).format
            if version > FORMAT:
                raise ResultsError(
                    f"{self.path}: written by a newer tilery (format {version}, this one knows {FORMAT})\n"
                    "help: upgrade tilery, or name another file with --output FILE"
                )
            return msgspec.json.decode(text, type=_Contents).entries
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ResultsError(
                f"{self.path}: damaged: {error}\n"
                "help: mend it or take it back from version control; or move it away, and `tilery autotune` writes a new one"
            ) from None


def _order(key: Key) -> tuple[str, ...]:
    """Sorts entries so that the same tunings always give the same file; numbers are padded to sort as numbers."""
    dims = (f"{name}={size:020}" for name, size in sorted(key.dims.items()))
    return (key.kernel, key.chip, *map(str, sorted(key.types.items())), *dims, *map(str, sorted(key.constants.items())))


def _text(entries: list[Entry]) -> str:
    """JSON laid out for diffs: a field a line, small things on one line."""
    ordered = sorted(entries, key=lambda each: (*_order(each.key), each.objective))
    body = ",\n".join(_block(msgspec.to_builtins(each)) for each in ordered)
    return f'{{\n  "format": {FORMAT},\n  "entries": [\n{body}\n  ]\n}}\n'


def _block(fields: dict[str, object]) -> str:
    lines = []
    for name, value in fields.items():
        if isinstance(value, list) and value:
            rows = ",\n".join(f"        {json.dumps(row)}" for row in value)
            lines.append(f'      "{name}": [\n{rows}\n      ]')
        else:
            lines.append(f'      "{name}": {json.dumps(value)}')
    return "    {\n" + ",\n".join(lines) + "\n    }"


def _replace(path: Path, text: str) -> None:
    """Writes beside the file, to the disk, and renames: a reader or a crash meets the old text or the new one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner may read; a results file is shared like its kernel.
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
