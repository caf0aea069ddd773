"""Verification in the time that there is, and what an interrupt may not break off."""

from __future__ import annotations

import math
import signal
import time
from typing import Any

import pytest

from tilery.tuner import deadline
from tilery.tuner.deadline import NEVER, OVER, Deadline, TimeUp, working
from tilery.tuner.interrupts import held
from tilery.tuner.progress import Stop
from tilery.tuner.verify import efforts
from tilery.tuner.verify.efforts import SMALLER, Checking
from tilery.tuner.verify.small_shape import MOST_WORK
from tilery.tuner.verify.verification import Verification

RIGHT = Verification(True, {}, {}, 0.0, 0.0)


class Model:
    """Of no kernel; `verify` is patched."""

    def verify(self, *given: Any) -> Verification:
        return RIGHT


def checking(until: Deadline = NEVER) -> Checking:
    model: Any = Model()
    return Checking(model, until)


def test_the_largest_shape_that_there_is_time_for_comes_first() -> None:
    assert efforts.efforts(NEVER) == [MOST_WORK, *SMALLER]
    assert efforts.efforts(OVER) == [SMALLER[-1]]
    short = efforts.efforts(Deadline.after(0.1))
    assert short[1:] == list(SMALLER)
    assert short[0] < MOST_WORK / 10


def test_a_shape_that_takes_too_long_makes_way_for_a_smaller_one(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def slow(*given: Any) -> Verification:
        tried.append(given[-1])
        if given[-1] > SMALLER[-1]:
            time.sleep(30)
        return RIGHT

    monkeypatch.setattr(Model, "verify", slow)
    assert checking(Deadline.after(0.3))({}, 0) is RIGHT
    assert len(tried) == 3


def test_what_ctrl_c_breaks_off_is_concluded_in_a_hurry() -> None:
    """An interrupt between the end of the search and the result lost what was found."""
    seen: list[str] = []

    def conclude(stop: Stop) -> str:
        seen.append(stop)
        if len(seen) in (1, 3):
            raise KeyboardInterrupt
        return "kept"

    assert efforts.concluded(conclude, "budget") == "kept"
    assert seen == ["budget", "interrupted"]
    with pytest.raises(KeyboardInterrupt):
        efforts.concluded(conclude, "interrupted")


def test_work_is_counted_and_not_the_clock() -> None:
    with working(0.1):
        time.sleep(0.3)
    with pytest.raises(TimeUp), working(0.05):
        while True:
            math.sqrt(2)


def test_what_is_held_hears_of_an_interrupt_afterwards() -> None:
    with held() as end:
        signal.raise_signal(signal.SIGTERM)
        assert end.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_clock_is_heard_through_an_error_that_takes_its_place() -> None:
    """numpy puts a TypeError of its own in the place of whatever breaks off its comparison of types."""
    with pytest.raises(deadline.TimeUp), deadline.Deadline.after(0.05).enforced():
        try:
            while True:
                pass
        except deadline.TimeUp as error:
            raise TypeError("cannot compare") from error


def test_the_clock_speaks_again_where_nobody_has_heard_it() -> None:
    swallowed = False
    with pytest.raises(deadline.TimeUp), deadline.Deadline.after(0.05).enforced():
        while True:
            try:
                while True:
                    pass
            except deadline.TimeUp:
                if swallowed:
                    raise
                swallowed = True
    assert swallowed


def test_an_error_before_the_time_is_up_stays_what_it_is() -> None:
    with pytest.raises(TypeError, match="mine"), deadline.Deadline.after(5).enforced():
        raise TypeError("mine")
