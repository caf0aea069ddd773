"""A fork waits for the products under way.

BLAS shares a large product among threads of its own, behind locks of its own. A child forked meanwhile has these locks closed and
none of these threads: its first product would wait for ever. And BLAS ends its threads for a fork, whatever they are at. So
each product holds a gate, one a thread: nobody else wants it, and it costs next to nothing. A fork goes through once it holds
them all.
"""

from __future__ import annotations

import os
import threading
from weakref import WeakSet

Gate = threading.RLock
"""Held by one thread while it is in BLAS. That thread itself may fork: a signal's handler can come between its product and the
opening of its gate."""


class Gates:
    """All gates of the process."""

    def __init__(self) -> None:
        self._guard = threading.RLock()
        self._all: WeakSet[Gate] = WeakSet()
        self._closed: list[Gate] = []

    def new(self) -> Gate:
        """A gate for a thread, or for work that one thread does at a time."""
        gate = Gate()
        with self._guard:
            self._all.add(gate)
        return gate

    def close(self) -> None:
        """Waits for every product under way; none begins until the gates are open."""
        self._guard.acquire()
        self._closed = list(self._all)
        for each in self._closed:
            each.acquire()

    def open(self) -> None:
        """Lets products go on, in the parent as in the child: the thread that closed the gates is the one that the child has."""
        while self._closed:
            self._closed.pop().release()
        self._guard.release()


class _Own(threading.local):
    def __init__(self) -> None:
        self.gate = GATES.new()


GATES = Gates()
_own = _Own()


def gate() -> Gate:
    """This thread's own."""
    return _own.gate


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=GATES.close, after_in_parent=GATES.open, after_in_child=GATES.open)
