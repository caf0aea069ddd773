"""Orderly ends: SIGTERM interrupts a tuning as Ctrl-C does, so that results are kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from tilery.dsl.errors import TileryError


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside the block SIGTERM raises `KeyboardInterrupt`, unless the program has a handler of its own for it."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class Interrupted(TileryError):
    """Interrupted before there was a result to keep."""

    exit_code = 130


@dataclass
class Held:
    """Whether an interrupt came meanwhile."""

    asked: bool = False


@contextmanager
def held() -> Iterator[Held]:
    """Holds the first Ctrl-C or SIGTERM until the end of the block, which is short and must not be interrupted."""
    found = Held()
    if threading.current_thread() is not threading.main_thread():
        yield found
        return

    def note(number: int, frame: FrameType | None) -> None:
        if found.asked:
            raise KeyboardInterrupt
        found.asked = True

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield found
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
