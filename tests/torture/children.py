"""Commands in processes of their own, watched, and gone when the round is."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .seen import Ended
from .torment import ROOT, Fault

EVERY_S = 0.02
ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "", "COLUMNS": "100"}


@dataclass
class Child:
    """A process that was started, with its output in files."""

    process: subprocess.Popen[bytes]
    words: Sequence[str]
    folder: Path
    started: float
    peak_bytes: int = 0
    """The most memory that it was seen to use."""

    def look(self) -> bool:
        """Notes its memory; whether it runs."""
        with suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
            self.peak_bytes = max(self.peak_bytes, int(found[1]) << 10 if found else 0)
        return self.process.poll() is None

    def wait(self, limit_s: float) -> Ended:
        """How it ends; a `Fault` if it does not in time."""
        until = time.monotonic() + limit_s
        while self.look():
            if time.monotonic() > until:
                self.kill()
                raise Fault(f"runs longer than {limit_s:.1f} s\n{self.ended()}")
            time.sleep(EVERY_S)
        return self.ended()

    def kill(self) -> None:
        """Ends it, and what it started, without asking."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ended(self) -> Ended:
        """What it has printed, and its exit code."""
        out, err = ((self.folder / name).read_text(errors="replace") for name in ("out", "err"))
        code = self.process.returncode
        return Ended(self.words, -99 if code is None else code, out, err)


@contextmanager
def child(folder: Path, command: Sequence[str], shown: Sequence[str], name: str = "child") -> Iterator[Child]:
    """A command, run from the repository's root, for as long as the block takes at the most."""
    place = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder))
    with (place / "out").open("wb") as out, (place / "err").open("wb") as err:
        # A group of its own, so that it can be killed with all that it started; in the session of the worker, which ends it too.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=ROOT,
            env={**os.environ, **ENVIRONMENT},
            process_group=0,
        )
    running = Child(process, shown, place, time.monotonic())
    try:
        yield running
    finally:
        running.kill()


@contextmanager
def tilery(folder: Path, words: Sequence[str], name: str = "child") -> Iterator[Child]:
    """`tilery` with these words."""
    with child(folder, [sys.executable, "-m", "tilery", *words], words, name) as running:
        yield running


@contextmanager
def script(folder: Path, name: str, *words: str) -> Iterator[Child]:
    """A script of `tests/torture/scripts`."""
    with child(folder, [sys.executable, "-m", f"tests.torture.scripts.{name}", *words], [name, *words], name) as running:
        yield running


def busy() -> float:
    """By what factor a machine with much to do is slower than one with nothing to do; 1 at the least."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def some_time(choose: random.Random, most_s: float) -> None:
    """Waits, oftener a short while than a long one."""
    time.sleep(most_s * choose.random() ** 2)
