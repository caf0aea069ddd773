"""Kernels called, then called again in forked children, which have to answer the same: `forks SEED`.

A child that waits for a thread which its parent has and it has not would wait for ever; whoever runs this sets the limit.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import threading
import warnings
from collections.abc import Callable

from ..called import Work, drawn_work


def forked(work: Work, want: bytes) -> None:
    """One child by `os.fork`."""
    child = os.fork()
    if child == 0:
        os._exit(0 if work() == want else 3)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "a forked child"


def pooled(work: Work, want: bytes) -> None:
    """Children of a pool that forks."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert all(each == want for each in pool.map(_called, [work] * 3)), "a pool of forked children"


def _called(work: Work) -> bytes:
    return work()


def while_called(work: Work, want: bytes) -> None:
    """A child that is forked while another thread is in a call."""
    stop = threading.Event()

    def calls() -> None:
        while not stop.is_set():
            work()

    thread = threading.Thread(target=calls)
    thread.start()
    try:
        for _ in range(3):
            forked(work, want)
    finally:
        stop.set()
        thread.join()


def main(seed: str) -> None:
    """Calls, forks, calls."""
    choose = random.Random(seed)
    warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, of forks with threads about, which is the point here
    works = [drawn_work(choose) for _ in range(choose.randint(1, 3))]
    wants = [each() for each in works]
    ways: list[Callable[[Work, bytes], None]] = [forked, pooled, while_called]
    for _ in range(4):
        at = choose.randrange(len(works))
        choose.choice(ways)(works[at], wants[at])
        assert works[at]() == wants[at], "the parent, after a fork"


if __name__ == "__main__":
    main(*sys.argv[1:])
