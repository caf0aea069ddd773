"""What a search needs before it begins, its knobs and the default that it starts from, within the budget like the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tilery.dsl.errors import TileryError

from .budget import Times
from .deadline import TimeUp, working

GRACE_S = 0.4
"""How long it may go on when the time is up: with the default alone, verified, a tuning has an answer."""


class NotSetUp(TileryError):
    """The budget was over before a search could begin."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the time was up before the search could begin: to find the choices of {name} and a configuration to start from "
            "takes longer, so nothing was written\nhelp: give it a longer --budget"
        )


@contextmanager
def setting_up(name: str, times: Times) -> Iterator[None]:
    """The set-up of the search of a kernel: raises `NotSetUp` where that is more work than there is time.

    Work, for there is no answer without it: a busy machine may make it wait, and costs nobody the answer.
    """
    try:
        with working(times.work_left_s + GRACE_S):
            yield
    except TimeUp:
        raise NotSetUp(name) from None
