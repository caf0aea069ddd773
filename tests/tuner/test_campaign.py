"""A search by measurements, on a made-up machine whose chip differs from its model."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Container, Mapping
from typing import Any

import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from tilery.backends.tunable import Choice
from tilery.tuner.budget import Budget
from tilery.tuner.measured.by_measurement import agreement
from tilery.tuner.measured.campaign import Campaign, Measure
from tilery.tuner.measured.command import MeasurementFailed
from tilery.tuner.model.exploration import Outcome
from tilery.tuner.model.search import search
from tilery.tuner.progress import Progress
from tilery.tuner.space.configurations import Space
from tilery.tuner.space.feasibility import survey
from tilery.tuner.together.shared import SharedStudy

from .test_search import FakeModel


class Chip:
    """Is slow where the model thinks it fast, at the widest tiles; refuses some, and counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[Choice, ...]] = Counter()
        self.model = FakeModel()

    def __call__(self, config: Mapping[str, Choice]) -> float:
        self.asked[tuple(config.values())] += 1
        if config["k"] == 32:
            raise MeasurementFailed("exit code 1")
        return self.model.measure(config).latency_us * (4 if int(config["n"]) > 300 else 1.1)


def campaign(measure: Measure, trials: int, **options: object) -> Campaign:
    model = FakeModel()
    space = Space(model.tunables)
    landscape = survey(model, space, space.index(model.default()))
    study = SharedStudy(InMemoryStorage(), "one", space.tunables, 60)
    return Campaign(model, landscape, model.default(), measure, study, Budget(None, trials), **options)  # type: ignore[arg-type]


def test_the_default_comes_first_then_the_model_s_best() -> None:
    found = campaign(Chip(), 9)
    assert found.run() == "trials"
    assert found.rows[0].config == found.model.default()
    ranking = [each.predicted_us for each in found.rows[1:]]
    assert ranking == sorted(ranking)
    assert found.best and found.best.predicted_us < 2 * ranking[0]


def test_measurements_correct_the_model() -> None:
    chip = Chip()
    found = campaign(chip, 60)
    found.run()
    assert found.best and int(found.best.config["n"]) <= 300
    assert max(chip.asked.values()) == 1, "nothing is measured twice"
    assert sum(chip.asked.values()) == 60


def test_failures_are_counted_by_reason_and_never_win() -> None:
    found = campaign(Chip(), 40, sampler="random")
    found.run()
    failed = [each for each in found.rows if each.problem]
    assert failed
    assert {each.problem for each in failed} == {"exit code 1"}
    assert all(each.config["k"] == 32 and each.measured_us is None for each in failed)
    assert found.best not in failed


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_function_s_nonsense_is_no_latency(value: float) -> None:
    found = campaign(lambda config: value, 3)
    assert found.run() == "trials"
    assert found.best is None
    assert all("no latency" in each.problem for each in found.rows)


def test_whatever_a_function_raises_is_a_reason() -> None:
    found = campaign(lambda config: 1 / 0, 3)
    found.run()
    assert {each.problem for each in found.rows} == {"ZeroDivisionError: division by zero"}


def test_an_interrupt_keeps_what_was_found() -> None:
    chip = Chip()

    def measure(config: Mapping[str, Choice]) -> float:
        if sum(chip.asked.values()) == 5:
            raise KeyboardInterrupt
        return chip(config)

    found = campaign(measure, 30)
    assert found.run() == "interrupted"
    assert len(found.rows) == 5
    assert found.best


class Failing(InMemoryStorage):
    """Is out of reach from some moment on."""

    gone = False

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        if self.gone:
            raise StorageInternalError("connection lost")
        return super().get_all_trials(study_id, deepcopy, states)


def test_a_storage_that_is_lost_ends_the_search_with_what_was_heard(caplog: pytest.LogCaptureFixture) -> None:
    chip, storage = Chip(), Failing()

    def measure(config: Mapping[str, Choice]) -> float:
        storage.gone = sum(chip.asked.values()) == 5
        return chip(config)

    found = campaign(measure, 30)
    found.study = SharedStudy(storage, "one", found.model.tunables, 60)
    assert found.run() == "disconnected"
    assert found.ended("disconnected") == "disconnected"
    assert len(found.rows) == 5
    assert "out of reach" in caplog.text and "connection lost" in caplog.text


def test_progress_is_told() -> None:
    told: list[Progress] = []
    campaign(Chip(), 6, watch=told.append).run()
    assert told[-1].stage == "measure"
    assert (told[-1].done, told[-1].total) == (6, 6)


def test_workers_that_hear_of_equal_measurements_in_any_order_take_the_same_one() -> None:
    found, other = campaign(lambda config: 5.0, 12), campaign(lambda config: 5.0, 12)
    found.run()
    other.rows = found.rows[::-1]
    assert [each.config for each in found.ranked()] == [each.config for each in other.ranked()]
    assert found.best == other.best
    assert found.best and found.best.predicted_us == min(each.predicted_us for each in found.rows)


def test_agreement_is_the_rank_correlation() -> None:
    found = campaign(lambda config: FakeModel().measure(config).latency_us ** 2, 12)
    found.run()
    assert agreement(found.rows) == pytest.approx(1)
    assert agreement(found.rows[:2]) is None


def test_an_interrupt_while_the_model_ranks_ends_the_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was swallowed: the campaign went on until its budget was spent."""

    def interrupted(*given: Any, **named: Any) -> Outcome:
        return dataclasses.replace(search(*given, **named), stop="interrupted")

    monkeypatch.setattr("tilery.tuner.measured.campaign.search", interrupted)
    chip = Chip()
    with pytest.raises(KeyboardInterrupt):
        campaign(chip, 30).run()
    assert not chip.asked
