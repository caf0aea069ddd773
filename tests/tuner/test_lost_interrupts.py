"""Ctrl-C that comes where exceptions are swallowed: compiled code that asks an object for an attribute, a callback of the garbage
collector. Once in some hundred tunings it was lost, and the tuning went on to the end of its budget."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from tilery.backends.tunable import Choice, Config
from tilery.tuner.budget import Budget
from tilery.tuner.interrupts import interruptible, look
from tilery.tuner.model.protocol import Measurement
from tilery.tuner.model.search import search
from tilery.tuner.space.configurations import Space
from tilery.tuner.space.feasibility import survey
from tilery.tuner.verify.efforts import concluded

from .test_campaign import Chip, campaign
from .test_search import FakeModel, Memory


def lost(number: signal.Signals) -> None:
    """An interrupt of which nobody hears."""
    with suppress(KeyboardInterrupt):
        signal.raise_signal(number)


@dataclass
class Interrupted(FakeModel):
    """Its 25th measurement, or its third footprint, is where the interrupt is lost."""

    during: str = "measuring"
    number: signal.Signals = signal.SIGINT
    footprints: int = 0

    def measure(self, config: Config) -> Measurement:
        found = super().measure(config)
        if self.during == "measuring" and self.measured.total() == 25:
            lost(self.number)
        return found

    def footprint(self, config: Config, tiles: Mapping[str, NDArray[np.integer]]) -> Memory:
        self.footprints += 1
        if self.during == "screening" and self.footprints == 1:
            lost(self.number)
        return super().footprint(config, tiles)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_search_ends_at_its_next_step(number: signal.Signals) -> None:
    model = Interrupted(gap=3.0, number=number)
    space = Space(model.tunables)
    with interruptible():
        outcome = search(model, survey(model, space, space.index(model.default())), model.default(), Budget(seconds=60))
        look()  # it has been heard of: what follows, the verification, is not broken off
    assert outcome.stop == "interrupted"
    assert len(outcome.trials.done) == 25
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_so_does_a_screening() -> None:
    model = Interrupted(during="screening")
    space = Space(model.tunables)
    with interruptible():
        landscape = survey(model, space, space.index(model.default()), keep_interrupted=True)
    assert landscape.interrupted
    assert model.footprints == 1
    with interruptible(), pytest.raises(KeyboardInterrupt):
        survey(Interrupted(during="screening"), space, space.index(model.default()))


def test_so_do_measurements() -> None:
    chip = Chip()

    def measure(config: Mapping[str, Choice]) -> float:
        found = chip(config)
        if len(running.rows) == 5:
            lost(signal.SIGINT)
        return found

    running = campaign(measure, 40)
    with interruptible():
        assert running.run() == "interrupted"
    assert len(running.rows) == 6  # the one that it was at included


def test_after_an_interrupt_was_heard_the_next_one_counts() -> None:
    stops: list[str] = []

    def conclude(stop: str) -> str:
        stops.append(stop)
        if len(stops) == 1:
            signal.raise_signal(signal.SIGINT)
        look()
        return "kept"

    with interruptible():
        assert concluded(conclude, "budget") == "kept"
    assert stops == ["budget", "interrupted"]


def test_a_handler_of_the_program_s_own_is_left_alone() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with interruptible():
            signal.raise_signal(signal.SIGINT)
            look()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
