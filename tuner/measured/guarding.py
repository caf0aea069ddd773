"""Commands that do not outlive their worker, however it ends, `kill -9` included.

Beside the command runs a guard that holds the reading end of a pipe from the worker. When the worker is gone, the system closes
the other end, and the guard kills the command's whole process group. The command waits to begin until the guard knows of it,
so that there is no moment in which it might be left alone. Both are plain POSIX shells; not Linux's PR_SET_PDEATHSIG, which
reaches the command but not what it has started, and comes when the thread that started it ends.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

SHELL = "/bin/sh"
WAITING = 'read go && exec "$@" < "$0"'
"""Becomes the command when it is told to; ends if nobody is left to tell it."""
GUARD = 'trap "" HUP INT TERM; read group && { read done || kill -s KILL -- "-$group"; }'
"""Reads the group that it guards, then a line if that has ended well; the end of its input is the end of the worker."""


@contextmanager
def guarded(words: Sequence[str], given: Path, out: IO[bytes], err: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A command that reads the file `given`, leads a process group of its own, and is killed with it if this process dies.

    It ends with the block: by the guard, where that did not come to end it itself.
    """
    with _shell([GUARD]) as guard, _shell([WAITING, str(given), *words], out, err) as process:
        _tell(guard, f"{process.pid}\n")
        _tell(process, "\n")
        with suppress(BrokenPipeError):  # it is dead already, which its exit code tells
            assert process.stdin
            process.stdin.close()
        try:
            yield process
        finally:
            if process.returncode is not None:
                _tell(guard, "\n")
            assert guard.stdin
            guard.stdin.close()


def _shell(
    words: Sequence[str], out: IO[bytes] | int = subprocess.DEVNULL, err: IO[bytes] | int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    return subprocess.Popen([SHELL, "-c", *words], stdin=subprocess.PIPE, stdout=out, stderr=err, start_new_session=True)


def _tell(process: subprocess.Popen[bytes], line: str) -> None:
    assert process.stdin
    with suppress(BrokenPipeError):
        process.stdin.write(line.encode())
        process.stdin.flush()
