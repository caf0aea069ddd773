"""The deadline of a tuning. Screening, timing and verifying all check the same clock.

Loops look at it between their steps. Where a step may be long, as lowering or executing a kernel is, `enforced` cuts it off: the
clock raises `TimeUp` inside the block, as Ctrl-C raises `KeyboardInterrupt`.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

AGAIN_S = 0.5
"""The clock rings again after this time, in case compiled code swallowed the first exception."""


class TimeUp(BaseException):
    """The time is up, inside `Deadline.enforced`. It is no `Exception`, so that code that handles errors does not catch it."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time after which no new step begins."""

    end_s: float = math.inf
    """The time on the monotonic clock, in seconds."""

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """The deadline `seconds` from now; None means no deadline."""
        return cls(math.inf if seconds is None else time.monotonic() + seconds)

    @property
    def left_s(self) -> float:
        """Seconds left; 0 if it has passed."""
        return max(0.0, self.end_s - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether it has passed."""
        return self.left_s == 0.0

    def share(self, part: float) -> Deadline:
        """An earlier deadline, after this share of the time left."""
        return Deadline(time.monotonic() + part * self.left_s)

    def earlier(self, seconds: float) -> Deadline:
        """The deadline `seconds` before this one."""
        return Deadline(self.end_s - seconds)

    def by(self, seconds: float) -> Deadline:
        """This deadline, or `seconds` from now if that is earlier."""
        return min(self, Deadline.after(seconds), key=lambda each: each.end_s)

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Raises `TimeUp` inside the block once it is over.

        By the alarm of the system, which only the main thread has, and not on Windows; where a program has taken it for itself,
        or another block is timed already, the block runs to its end.
        """
        with _limited("SIGALRM", "ITIMER_REAL", self.left_s):
            yield


@contextmanager
def working(seconds: float) -> Iterator[None]:
    """Raises `TimeUp` inside the block once this process has worked so long: a machine that has much else to do costs nothing.

    With the same exceptions as `Deadline.enforced`.
    """
    with _limited("SIGPROF", "ITIMER_PROF", seconds):
        yield


@contextmanager
def _limited(name: str, timer_name: str, seconds: float) -> Iterator[None]:
    if math.isinf(seconds) or not _free(name, timer_name):
        yield
        return
    number, timer = getattr(signal, name), getattr(signal, timer_name)
    rung = False

    def time_up(number: int, frame: FrameType | None) -> None:
        nonlocal rung
        rung = True
        raise TimeUp

    signal.signal(number, time_up)
    try:
        # Again after a while: compiled code that was broken off may have swallowed the first one.
        signal.setitimer(timer, max(seconds, 1e-3), AGAIN_S)
        yield
    except Exception as error:
        # Compiled code that was broken off may put an error of its own in its place, as numpy does where it compares types.
        if rung:
            raise TimeUp from error
        raise
    finally:
        signal.setitimer(timer, 0)
        signal.signal(number, signal.SIG_DFL)


NEVER = Deadline()
OVER = Deadline(-math.inf)


def _free(name: str, timer_name: str) -> bool:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        return False
    unused = signal.getsignal(getattr(signal, name)) is signal.SIG_DFL
    return unused and signal.getitimer(getattr(signal, timer_name))[0] == 0
