"""What a pass is, and how a backend's list of them is run: one after the other, timed, and logged where it changed something.

PASSES = (Pass("inline", "calls opened up", inline), Pass("share", ..., share), ...)
done = run(PASSES, kernel.body)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tilery.dsl.program import Op, walk

from .rewriter import Body

log = logging.getLogger("tilery")


@dataclass(frozen=True, slots=True)
class Pass:
    """A rewriting of programs that changes no value in any bit."""

    name: str
    what: str
    """What the program is like afterwards, in a few words."""
    apply: Callable[[Body], Body]
    """Gives the same object if there was nothing to do, or an equal program."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What a pass left."""

    name: str
    body: Body
    changed: bool
    seconds: float


def run(passes: Iterable[Pass], body: Body) -> tuple[Passed, ...]:
    """What every pass leaves, in order; the last one's body is the program."""
    done: list[Passed] = []
    for each in passes:
        start = time.perf_counter()
        after = each.apply(body)
        seconds = time.perf_counter() - start
        done.append(Passed(each.name, after, after != body, seconds))
        if done[-1].changed and log.isEnabledFor(logging.DEBUG):
            log.debug("%s: %d operations, then %d, %.2f ms", each.name, _operations(body), _operations(after), 1e3 * seconds)
        body = after
    return tuple(done)


def _operations(body: Body) -> int:
    return sum(isinstance(each, Op) for each in walk(body))
