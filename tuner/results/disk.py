"""Reads and replaces results files on disk. A folder has one writer at a time."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from tilery.dsl.looking import exists

from .errors import ResultsError

MOST_BYTES = 64 << 20
"""The largest results file that is read: some 40,000 entries."""
LOCK = ".tilery.lock"
"""The lock file of a folder. It lies beside the files it guards, so that it holds for every user and machine that writes them."""
LOCK_TIMEOUT_S = 30.0


def read(path: Path) -> bytes | None:
    """The bytes of a file, or None if there is none. Raises `ResultsError` if it is no ordinary file, or too large."""
    try:
        # Opened without blocking: a pipe would block its reader for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        if path.is_symlink():
            raise ResultsError(f"{path}: a link to {path.readlink()}, which is not there") from None
        return None
    except (OSError, ValueError) as error:  # ValueError: a name with a null in it
        raise ResultsError(f"{path}: cannot be read: {_reason(error)}") from None
    try:
        _check_kind(path, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {_reason(error)}") from None
    finally:
        os.close(descriptor)


def _check_kind(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ResultsError(f"{path}: cannot be read: it is no file, but {_kind(status.st_mode)}")
    if status.st_size > MOST_BYTES:
        megabytes, most = status.st_size >> 20, MOST_BYTES >> 20
        raise ResultsError(f"{path}: {megabytes} MB are no results file; the largest that is read has {most} MB")


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Locks the folder and gives the path to write to, links followed."""
    try:
        target = path.resolve()  # a link stays a link, its target is replaced
        lock = target.with_name(LOCK)
        lock.touch()  # without this check, FileLock could take a failure for another tuner's lock, and wait
        with FileLock(lock, timeout=LOCK_TIMEOUT_S):
            _sweep(target.parent)
            yield target
    except Timeout:
        raise ResultsError(f"{path}: another tuner has held its folder for {LOCK_TIMEOUT_S:.0f} s; try again later") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
        raise ResultsError(f"{path}: cannot be written: {_reason(error)}\nhelp: name another place with --output FILE") from None


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def replace(path: Path, text: bytes) -> None:
    """Writes a new file beside the old one, syncs it to disk and renames it. A reader or a crash sees the old text or the new
    one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if new.read_bytes() != text:
            raise OSError(0, "the disk gives back something else than was written")
        # mkstemp makes files that only their owner may read; a results file is shared like its kernel.
        new.chmod(path.stat().st_mode & 0o777 if exists(path) else 0o644)
        new.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            new.unlink()
        raise


_LEFT = re.compile(r"\..+\.[a-z0-9_]{8}\.new|\..+\.tuned\.json\.lock")
"""Files that a killed writer leaves, and the lock files of tilery 0.1 (one for each results file)."""


def _sweep(folder: Path) -> None:
    """Removes what killed writers have left. The caller holds the folder's lock, so no writer is at work."""
    for each in folder.iterdir():
        if _LEFT.fullmatch(each.name):
            with suppress(OSError):
                each.unlink()
