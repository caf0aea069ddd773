"""The search for several objectives, on a model whose every value is known: the front is the true one, and is proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tilery.backends.tunable import Choice, Config, Tunable
from tilery.dsl.errors import UsageError
from tilery.tuner.budget import Budget, Times
from tilery.tuner.model.exploration import Outcome
from tilery.tuner.model.front import Front, dominates, nondominated, thinned
from tilery.tuner.model.front_search import front_of, front_search
from tilery.tuner.model.protocol import Measurement, Screening
from tilery.tuner.space.configurations import Space
from tilery.tuner.space.feasibility import survey
from tilery.tuner.trials import Trial
from tilery.tuner.verify.finalists import NothingVerified
from tilery.tuner.verify.front_finalists import verified_front
from tilery.tuner.verify.verification import Verification

TUNABLES = (
    *(Tunable(name, "tile", (1, 2, 4, 8, 16, 32), 4, ()) for name in "mnk"),
    Tunable("engine.y", "knob", ("vector", "scalar"), "vector", ()),
)


@dataclass(frozen=True)
class Named:
    field: str


@dataclass(frozen=True)
class Found:
    limit: NDArray[np.integer]
    limits: tuple[str, ...]
    lower_bound_us: NDArray[np.float64]


@dataclass(frozen=True)
class Memory:
    fixed: NDArray[np.float64]
    lower_bound_us: NDArray[np.float64]
    limits: tuple[str, ...] = ("room",)
    capacity: NDArray[np.float64] = field(default_factory=lambda: np.array([256.0]))
    each: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


class Made:
    """Two or three objectives that pull apart, with bounds up to a fifth below them."""

    tunables = TUNABLES

    def __init__(self, count: int = 2) -> None:
        self.objectives = [Named(name) for name in ("latency", "energy", "cost")[:count]]
        self.measured = 0

    def default(self) -> dict[str, Choice]:
        return {each.name: each.default for each in TUNABLES}

    def values(self, columns: Mapping[str, NDArray[np.integer]]) -> NDArray[np.float64]:
        m, n, k = (2.0 ** columns[name] for name in "mnk")
        y = columns["engine.y"]
        rough = 1 + 0.1 * np.sin(7 * m + 3 * n * k)
        one = (100 / (m * n) + k + 0.2 * y * m) * rough
        two = (m + n) * (1 + 0.5 * (1 - y)) + 40 / k
        three = np.abs(m - n) + k + 1.0
        return np.stack([one, two, three][: len(self.objectives)], axis=1)

    def screen_all(self, columns: Mapping[str, NDArray[np.integer]]) -> tuple[Screening, NDArray[np.float64]]:
        values = self.values(columns)
        slack = 0.8 + 0.2 * np.cos(values) ** 2
        limit = (2.0 ** (columns["m"] + columns["n"]) > 256).astype(np.int64)
        return Found(limit, ("room",), values[:, 0]), np.where((limit == 0)[:, None], values * slack, np.inf)

    def footprint(self, config: Config, tiles: Mapping[str, NDArray[np.integer]]) -> Memory:
        columns = {name: np.log2(sizes).astype(np.int64) for name, sizes in tiles.items()}
        columns["engine.y"] = np.full(len(tiles["m"]), TUNABLES[-1].values.index(config["engine.y"]))
        room = (2.0 ** (columns["m"] + columns["n"]))[None]
        return Memory(room, self.screen_all(columns)[1][:, 0])

    def canonical(self, config: Config) -> Config:
        return {"engine.y": config["engine.y"]}

    def measure(self, config: Config) -> Measurement:
        self.measured += 1
        columns = {each.name: np.array([each.values.index(config[each.name])]) for each in TUNABLES}
        values = self.values(columns)[0]
        return Measurement(float(values[0]), 1, tuple(values.tolist()))


def searched(model: Made, sampler: str = "tpe", trials: int | None = None) -> Outcome:
    space = Space(TUNABLES)
    front = front_of(model, survey(model, space, space.index(model.default())))
    return front_search(model, front, model.default(), Budget(None, trials), sampler=sampler)


def members(found: Outcome) -> list[Trial]:
    assert isinstance(found.trials, Front)
    return found.trials.members


def true_front(model: Made) -> set[tuple[float, ...]]:
    space = Space(TUNABLES)
    everything = np.arange(space.size)
    feasible = everything[np.asarray(model.screen_all(space.columns(everything))[0].limit) == 0]
    values = [tuple(each) for each in model.values(space.columns(feasible)).tolist()]
    return {one for one in values if not any(dominates(other, one) for other in values)}


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "brute"])
def test_the_front_is_the_true_one(sampler: str, count: int) -> None:
    model = Made(count)
    found = searched(model, sampler)
    assert found.stop == "proved"
    assert {each.values for each in nondominated(each for each in found.trials.ranked())} == true_front(model)
    assert {each.values for each in members(found)} == true_front(model)
    # Bounds spare it most of the space.
    assert model.measured < found.trials.landscape.feasible * (0.5 if count < 3 else 0.9)


def test_a_budget_of_trials_ends_it_and_the_same_seed_finds_the_same() -> None:
    one, two = (searched(Made(), trials=20) for _ in range(2))
    assert one.stop == "trials"
    assert list(one.trials.done) == list(two.trials.done)
    assert len(one.trials.done) == 20
    assert one.trials.open() > 0


def test_most_of_the_front_is_found_early() -> None:
    found = searched(Made(), trials=60)
    best = true_front(Made())
    assert len(best & {each.values for each in members(found)}) >= 0.7 * len(best)


class Interrupted(Made):
    """Ctrl-C comes when the screening is over and the bounds of everything are wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.screened: list[int] = []

    def screen_all(self, columns: Mapping[str, NDArray[np.integer]]) -> tuple[Screening, NDArray[np.float64]]:
        self.screened.append(len(columns["m"]))
        if len(columns["m"]) > 100:
            raise KeyboardInterrupt
        return super().screen_all(columns)


@pytest.mark.parametrize("during_screening", [True, False])
def test_interrupted_it_screens_no_more_than_one(during_screening: bool) -> None:
    """The bounds of everything took a second, and only then the default was timed."""
    space, model = Space(TUNABLES), Made()
    landscape = replace(survey(model, space, space.index(model.default())), interrupted=during_screening)
    late = Interrupted()
    front = front_of(late, landscape)
    assert late.screened == ([1] if during_screening else [len(landscape.order), 1])
    assert front.landscape.interrupted
    assert front.cut
    asked = late.measured
    outcome = front_search(late, front, late.default(), Budget(None, 1), seeds=[{**late.default(), "m": 2}])
    assert late.measured == asked + 1
    assert [each.values for each in members(outcome)] == [late.measure(late.default()).values]


def test_a_sampler_of_one_objective_says_so() -> None:
    with pytest.raises(UsageError, match=r"cmaes.*one objective"):
        searched(Made(), "cmaes")


def trial(index: int, *values: float) -> Trial:
    return Trial(index, values[0], 1, values)


def test_what_is_equal_but_for_rounding_is_on_the_front_once() -> None:
    front = nondominated([trial(0, 1.0, 2.0), trial(1, 1.0 * (1 + 1e-12), 2.0), trial(2, 2.0, 1.0), trial(3, 2.0, 3.0)])
    assert [each.index for each in front] == [0, 2]


def test_a_thinned_front_keeps_its_ends_and_spreads() -> None:
    front = [trial(place, 1.0 + place, 100.0 - place) for place in range(100)]
    kept = [each.index for each in thinned(front, 5)]
    assert kept[0] == 0
    assert kept[-1] == 99
    assert len(kept) == 5
    assert max(b - a for a, b in pairwise(kept)) < 50
    assert thinned(front[:3], 5) == front[:3]


def test_a_front_of_which_everything_is_wrong_is_told() -> None:
    """With fewer timed than are executed at most, it was an internal error."""
    model: Any = Made()
    model.names, model.max_error, model.kernel = ("latency", "energy"), None, SimpleNamespace(name="made")
    wrong: Any = lambda config, seed, part: Verification(False, {}, config, 1.0, 0.1, "exact execution: off by one")  # noqa: E731
    with pytest.raises(NothingVerified, match=r"3 of the best configurations of made give wrong values:\n.*off by one"):
        verified_front(model, searched(model, trials=3), 0, Times.of(None), None, wrong)
