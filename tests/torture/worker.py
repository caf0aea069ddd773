"""The process in which rounds are run: one that dies or hangs takes no other with it."""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
import tempfile
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from .torment import ROOT, Fault, TooLong, Torment, draws

MEMORY_BYTES = 6 << 30
"""Address space of a worker: what asks for more gets a `MemoryError`, as on a small machine."""
REST_BYTES = 700 << 20
"""A worker that has come to use more than this makes way for a fresh one."""


@dataclass(frozen=True)
class Outcome:
    """How a round ended."""

    problem: str = ""
    """Empty if nothing is wrong."""
    files: dict[str, str] = field(default_factory=dict)
    resident_bytes: int = 0


def serve(connection: Connection, folder: str) -> None:
    """Runs the rounds that it is told, each a torment, a seed and a number, until nobody is there to tell it any."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A handler, not SIG_IGN, which the processes that it starts would inherit, and be deaf to what torments send them.
    signal.signal(signal.SIGINT, _unheard)
    logging.getLogger("tilery").setLevel(logging.CRITICAL)
    # What is tormented may print; the page is the parent's.
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    tempfile.tempdir = folder  # rounds put things there, and whoever leads removes it, however this process ends
    with suppress(EOFError, OSError):
        while True:
            connection.send(run(*connection.recv()))


def run(torment: Torment, seed: int, number: int, limit_s: float) -> Outcome:
    """One round, and how long it may take."""
    signal.signal(signal.SIGALRM, _too_long)
    with tempfile.TemporaryDirectory() as folder:
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        try:
            torment.round(draws(seed, torment.name, number), Path(folder))
        except Fault as fault:
            return Outcome(str(fault), fault.files, resident_bytes())
        except TooLong:
            return Outcome(f"took longer than {limit_s:.1f} s\n{traceback.format_exc()}", {}, resident_bytes())
        except (Exception, SystemExit, KeyboardInterrupt):
            return Outcome(traceback.format_exc(), {}, resident_bytes())
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            os.chdir(ROOT)
    return Outcome(resident_bytes=resident_bytes())


def resident_bytes() -> int:
    """Memory that this process has in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _unheard(number: int, frame: FrameType | None) -> None:
    """Ctrl-C is for the parent."""


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TooLong
