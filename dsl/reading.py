"""Files as users name them: read whole if they are ordinary and of a sensible size, refused in one sentence if not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .errors import UsageError

MOST_BYTES = 4_000_000
"""A `.tk` text or a chip file that is larger is a mistake."""


def read_bytes(path: str | Path, what: str = "", most_bytes: int = MOST_BYTES) -> bytes:
    """The content of a regular file of at most `most_bytes`; `what` says in messages what the file is, as in `the chip file `.

    Raises `UsageError` for everything else: a pipe would be waited for without an end, a device has none.
    """
    try:
        # Opening a pipe waits for its writer, unless told not to.
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"cannot read {what}{path}: it is a pipe or a device, no ordinary file")
            if status.st_size > most_bytes:
                raise UsageError(
                    f"cannot read {what}{path}: it has {status.st_size:,} bytes, and at most {most_bytes:,} are read"
                )
            return file.read(most_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {what}{path}: {reason}") from error


def decoded(content: bytes, path: str | Path) -> str:
    """UTF-8 as text, to the letter; `UsageError` that names `path` if it is none."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8: byte {error.start} cannot be read") from error


def read_text(path: str | Path) -> str:
    """The text of a `.tk` file, with one kind of line break; `UsageError` if it cannot be read or is no UTF-8."""
    return decoded(read_bytes(path), path).replace("\r\n", "\n").replace("\r", "\n")
