"""Processes beside this one that work on the same study: `--jobs N`."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO

log = logging.getLogger("tilery")

END_S = 10.0
"""How long a process that was asked to end is waited for before it is killed."""


class Crew:
    """Runs a `tilery.worker` for each of `tasks` inside its block.

    A worker holds its end of a pipe from this process: if this process dies, however that happens, the worker ends too.
    Its session is its own, so that Ctrl-C reaches it through this process only, which waits for it to give its trial back.
    """

    def __init__(self, tasks: Sequence[Mapping[str, object]]) -> None:
        self._tasks = tasks
        self._processes: list[tuple[subprocess.Popen[str], IO[str]]] = []

    def __enter__(self) -> Crew:
        for task in self._tasks:
            errors = tempfile.TemporaryFile("w+", encoding="utf-8")
            command = [sys.executable, "-m", "tilery.worker"]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=errors, stderr=errors, text=True, start_new_session=True
            )
            self._processes.append((process, errors))
            assert process.stdin
            with suppress(BrokenPipeError):  # it is dead already, which `finish` will tell
                process.stdin.write(json.dumps(task) + "\n")
                process.stdin.flush()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process, errors in self._processes:
            if process.poll() is None:
                _end(process)
            assert process.stdin
            process.stdin.close()
            errors.close()

    def finish(self, at_once: bool) -> None:
        """Waits for the workers, each of which ends with the measurement it is at; tells of one that has failed."""
        try:
            if not at_once:
                for process, _ in self._processes:
                    process.wait()
        except KeyboardInterrupt:
            at_once = True
        for process, errors in self._processes:
            if at_once:
                _end(process)
            if process.returncode:
                errors.seek(0)
                last = (errors.read().strip().splitlines() or [f"exit code {process.returncode}"])[-1]
                log.warning("a worker of --jobs ended early: %s", last)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
