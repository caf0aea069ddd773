"""Orderly ends: SIGTERM interrupts a tuning as Ctrl-C does, so that results are kept; and no interrupt is lost.

Python raises `KeyboardInterrupt` wherever the main thread is, and that can be a place which swallows all exceptions: what
compiled code asks of an object, a callback of the garbage collector. So an interrupt is pending until whoever keeps what was
found has heard it, and loops look between their steps whether one is.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TypeAlias

from tilery.dsl.errors import TileryError

_Handler: TypeAlias = Callable[[int, FrameType | None], None] | signal.Handlers
_pending = threading.Event()


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside the block SIGTERM and Ctrl-C raise `KeyboardInterrupt`, unless the program has handlers of its own for them."""
    usual: dict[signal.Signals, _Handler] = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    in_main = threading.current_thread() is threading.main_thread()
    taken = [number for number, handler in usual.items() if in_main and signal.getsignal(number) is handler]
    for number in taken:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, usual[number])
        if taken:
            _pending.clear()


def _interrupt(number: int, frame: FrameType | None) -> None:
    _pending.set()
    raise KeyboardInterrupt


def heard() -> None:
    """Says that the interrupt has arrived where what was found is kept."""
    if threading.current_thread() is threading.main_thread():
        _pending.clear()


def look() -> None:
    """Raises `KeyboardInterrupt` again, if one was swallowed on its way."""
    if _pending.is_set() and threading.current_thread() is threading.main_thread():
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
