"""Threads that share the steps of an emulation. Meanwhile BLAS uses only the thread that calls it.

A forked child has none of its parent's threads, and whatever lock another thread held at that moment stays locked for ever.
So a child starts with a pool and with locks of its own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from ..numbers.fork_gates import gate


class Turns:
    """A lock that is open in a forked child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _turns.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Opens the lock in a child."""
        self._lock = threading.Lock()


class Workers:
    """The pool of this process, and how many calls have BLAS kept to one thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._controller: ThreadpoolController | None = None
        self._limits: Any = None
        self._limiting = 0

    def submit(self, work: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Has one of the threads do it."""
        with self._guard:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(thread_name_prefix="tilery-emulator")
            return self._pool.submit(work, *arguments)

    def together(self, first: Callable[[], Any], others: Sequence[Callable[[], Any]]) -> None:
        """Runs all of the work, `first` in this thread. An error is raised only after everything has ended."""
        with self._one_blas_thread_each():
            futures = [self.submit(each) for each in others]
            try:
                first()
            finally:
                wait(futures)
            for each in futures:
                each.result()

    @contextmanager
    def _one_blas_thread_each(self) -> Iterator[None]:
        """BLAS kept to one thread a caller: together they would be too many. The first to come sets it, the last resets it."""
        with self._guard:
            if self._limiting == 0:
                self._controller = self._controller or ThreadpoolController()
                with gate():
                    self._limits = self._controller.limit(limits=1, user_api="blas")
            self._limiting += 1
        try:
            yield
        finally:
            with self._guard:
                self._limiting -= 1
                if self._limiting == 0:
                    with gate():
                        self._limits.restore_original_limits()

    def renew(self) -> None:
        """Forgets the parent's threads, in a child; BLAS may use its own again."""
        self._guard = threading.Lock()
        self._pool = None
        if self._limiting:
            self._limiting = 0
            self._limits.restore_original_limits()


_turns: WeakSet[Turns] = WeakSet()
WORKERS = Workers()


def _in_child() -> None:
    WORKERS.renew()
    for each in list(_turns):
        each.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
