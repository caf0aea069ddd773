"""Optuna's journal file, kept whole where writing fails: on a full disk, or where a writer was killed in the middle of a line.

Optuna leaves half a line behind, the next writer adds to it, and from then on nobody can read the file. Here a write that fails
is taken back, and half a line is removed before the next is written: whoever holds the lock is the only writer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from optuna.exceptions import StorageInternalError
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from .optuna_internals import get_lock_file


class Journal(JournalFileBackend):
    """The same file, for workers of any version to share."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), JournalFileSymlinkLock(str(path)))
        self._path = path

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]  # it yields no less
        """The entries from this number on; `StorageInternalError` where the file is damaged."""
        try:
            for each in super().read_logs(log_number_from):
                if not isinstance(each, dict):
                    raise ValueError(f"an entry is {type(each).__name__}")
                yield each
        except ValueError as error:
            raise StorageInternalError(f"the journal is damaged: {error}") from None

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Adds entries, all or none. A journal that has been removed is not begun anew: what it held is lost."""
        text = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in logs).encode()
        try:
            with get_lock_file(self._lock), self._path.open("r+b", buffering=0) as file:
                whole = _whole(file)
                file.truncate(whole)
                file.seek(whole)
                try:
                    if file.write(text) != len(text):
                        raise OSError(0, "the disk is full")
                    os.fsync(file.fileno())
                except BaseException:
                    file.truncate(whole)
                    raise
        except RuntimeError as error:  # the lock has been taken away
            raise StorageInternalError(f"the journal's lock was lost: {error}") from None


def _whole(file: IO[bytes]) -> int:
    """Where the last line that has an end ends."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - 4096)
        file.seek(start)
        block = file.read(end - start)
        if b"\n" in block:
            return start + block.rindex(b"\n") + 1
        end = start
    return 0
