"""Forks and threads in a process that calls kernels."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from ..called import Work, drawn_work, kernel
from ..children import busy, script
from ..torment import Fault, Torment

FORKING_S = 40.0


def fork(choose: random.Random, folder: Path) -> None:
    """A process forks between and during calls; every child answers, and the same."""
    with script(folder, "forks", str(choose.randrange(2**32))) as running:
        ended = running.wait(FORKING_S * busy())
        if ended.code:
            raise Fault(f"after a fork: {ended.err.strip().splitlines()[-1] if ended.err.strip() else ended.code}\n{ended}")


def threads(choose: random.Random, folder: Path) -> None:
    """Several threads call some kernels at once, the first time included; every result is that of a call alone."""
    works = [drawn_work(choose) for _ in range(choose.randint(1, 4))]
    wants = [each() for each in works]
    for each in works:
        kernel(each.path, each.name).forget()
    count = choose.randint(2, 6)
    orders = [choose.choices(range(len(works)), k=6) for _ in range(count)]
    start = Barrier(count)

    def calls(order: list[int]) -> list[int]:
        start.wait()
        return [at for at in order if works[at]() != wants[at]]

    with ThreadPoolExecutor(count) as pool:
        for wrong in pool.map(calls, orders):
            if wrong:
                raise Fault(f"called by {count} threads at once, other values: {[_shown(works[at]) for at in wrong]}")


def _shown(work: Work) -> str:
    return f"{work.path.name}:{work.name} {[getattr(each, 'shape', each) for each in work.arguments.values()]}"


FORKS = Torment("forks", "processes that fork between and during calls: every child answers, and the same", fork, limit_s=300)
THREADS = Torment("threads", "threads that call kernels at once: the values of a call alone", threads, limit_s=120)
