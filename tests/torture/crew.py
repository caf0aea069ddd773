"""The workers of a torture, seen from the process that leads it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from .children import busy
from .torment import Torment
from .worker import REST_BYTES, Outcome, serve

GRACE_S = 10.0
"""How long after its limit a round is left alone: it should have ended itself by then."""


@dataclass
class Task:
    """A round that somebody is at."""

    torment: Torment
    number: int
    started: float
    limit_s: float
    """How long it may take; longer where the machine has more to do than it has processors."""


class Worker:
    """One process, and the round that it is at."""

    def __init__(self) -> None:
        self.task: Task | None = None
        self._start()

    def _start(self) -> None:
        # `spawn`: the child inherits no thread pool of this process, and no lock that one of its threads holds.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self.folder = tempfile.mkdtemp(prefix="torture-")
        self.connection: Connection = ours
        self.process: BaseProcess = context.Process(target=serve, args=(theirs, self.folder), daemon=True)
        self.process.start()
        theirs.close()

    def begin(self, torment: Torment, seed: int, number: int) -> None:
        """Starts a round."""
        limit_s = torment.limit_s * busy()
        self.task = Task(torment, number, time.monotonic(), limit_s)
        self.connection.send((torment, seed, number, limit_s))

    def overdue(self) -> bool:
        """Whether its round hangs so that not even the alarm ends it."""
        return self.task is not None and time.monotonic() - self.task.started > self.task.limit_s + GRACE_S

    def outcome(self) -> Outcome:
        """How the round ended, which is over or overdue; a worker that died of it, or is worn out, is replaced."""
        self.task = None
        if not self.connection.poll():
            self._replace()
            return Outcome("hangs: neither answers nor ends when its time is over")
        try:
            found: Outcome = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.process.join(GRACE_S)
            died = self.process.exitcode
            self._replace()
            return Outcome(f"the process died: {_death(died)}")
        if found.resident_bytes > REST_BYTES:
            self._replace()
        return found

    def _replace(self) -> None:
        self.end()
        self._start()

    def end(self) -> None:
        """Ends the process and all that it started."""
        if self.process.pid:
            end_session(self.process.pid)
        self.process.kill()
        self.process.join()
        self.connection.close()
        _remove(self.folder)


def _remove(folder: str) -> None:
    """Removes what rounds have left, a disk that is still mounted there included."""
    for line in Path("/proc/mounts").read_text().splitlines():
        if (place := line.split()[1]).startswith(folder):
            subprocess.run(["umount", "-l", place], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def end_session(session: int) -> None:
    """Kills every process of a session, as those that a worker left behind."""
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(int(each.name)) == session:
                os.kill(int(each.name), signal.SIGKILL)


def _death(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    return signal.Signals(-code).name
