"""Processes beside this one that work on the same study: `--jobs N`."""

from __future__ import annotations

import logging
import math
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO

from tilery.tuner.deadline import Deadline

from .task import Task, written

log = logging.getLogger("tilery")

END_S = 10.0
"""How long a process that was asked to end is waited for before it is killed."""


class Crew:
    """Runs a `tilery.command.together.worker` for each of `tasks` inside its block.

    A worker holds its end of a pipe from this process: if this process dies, however that happens, the worker ends too.
    Its session is its own, so that Ctrl-C reaches it through this process only, which waits for it to give its trial back.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._processes: list[tuple[subprocess.Popen[str], IO[str]]] = []

    def __enter__(self) -> Crew:
        for task in self._tasks:
            errors = tempfile.TemporaryFile("w+", encoding="utf-8")
            command = [sys.executable, "-m", "tilery.command.together.worker"]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=errors, stderr=errors, text=True, start_new_session=True
            )
            self._processes.append((process, errors))
            assert process.stdin
            with suppress(BrokenPipeError):  # it is dead already, which `finish` will tell
                process.stdin.write(written(task))
                process.stdin.flush()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _end([process for process, _ in self._processes])
        for process, errors in self._processes:
            assert process.stdin
            process.stdin.close()
            errors.close()

    def finish(self, until: Deadline) -> None:
        """Waits for the workers until the deadline, then asks the others to end. Logs a warning for each that failed."""
        with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
            for process, _ in self._processes:
                process.wait(None if math.isinf(until.left_s) else until.left_s)
        _end([process for process, _ in self._processes])
        for process, errors in self._processes:
            if process.returncode not in (0, -signal.SIGTERM):
                errors.seek(0)
                last = (errors.read().strip().splitlines() or [f"exit code {process.returncode}"])[-1]
                log.warning("a worker of --jobs ended early: %s", last)


def _end(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Asks all processes to end, and kills those that have not ended in time."""
    for process in processes:
        process.terminate()
    until = Deadline.after(END_S)
    for process in processes:
        try:
            process.wait(until.left_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
