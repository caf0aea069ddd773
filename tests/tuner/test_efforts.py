"""Verification in the time that there is, and what an interrupt may not break off."""

from __future__ import annotations

import math
import signal
import time
from typing import Any

import pytest

from tilery.tuner import efforts
from tilery.tuner.deadline import NEVER, OVER, Deadline, TimeUp, working
from tilery.tuner.efforts import SMALLER, Checking
from tilery.tuner.engine_model import EngineModel
from tilery.tuner.interrupts import held
from tilery.tuner.small_shape import MOST_WORK
from tilery.tuner.verify import Verification

RIGHT = Verification(True, {}, {}, 0.0, 0.0)


class Model:
    """Of no kernel: what is executed is patched."""

    kernel = dims = chip = None


def checking(until: Deadline = NEVER) -> Checking:
    model: Any = Model()
    assert isinstance(model, Model | EngineModel)
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

    monkeypatch.setattr(efforts, "verify", slow)
    assert checking(Deadline.after(0.3))({}, 0) is RIGHT
    assert len(tried) == 3


def test_an_interrupt_leaves_a_moment_for_the_smallest_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def interrupted(*given: Any) -> Verification:
        tried.append(given[-1])
        if len(tried) == 1:
            raise KeyboardInterrupt
        return RIGHT

    monkeypatch.setattr(efforts, "verify", interrupted)
    check = checking()
    assert check({}, 0) is RIGHT
    assert check.interrupted
    assert tried[1] < tried[0]
    tried.clear()
    with pytest.raises(KeyboardInterrupt):
        check({}, 0)


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
