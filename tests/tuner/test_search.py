"""The search on a small made-up machine: what it finds, what it proves, what it never does."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from tilery.backends.tunable import Config, Tunable
from tilery.dsl.errors import UsageError
from tilery.tuner.budget import Budget
from tilery.tuner.model.exploration import Outcome
from tilery.tuner.model.protocol import Measurement, Refused
from tilery.tuner.model.search import search
from tilery.tuner.progress import Progress
from tilery.tuner.space import cells, feasibility, slots
from tilery.tuner.space.configurations import Space
from tilery.tuner.space.feasibility import survey

Floats = NDArray[np.float64] | np.float64

TILES = tuple(32 * step for step in range(1, 17))


@dataclass
class Memory:
    fixed: NDArray[np.float64]
    each: Mapping[str, NDArray[np.float64]]
    lower_bound_us: NDArray[np.float64]
    limits: tuple[str, ...] = ("sbuf", "psum")
    capacity: NDArray[np.float64] = field(default_factory=lambda: np.array([60_000.0, 120_000.0]))


@dataclass
class FakeModel:
    """Traffic falls with the tiles, memory grows with them; uneven tails and buffer stalls make the landscape rough."""

    gap: float = 0.3
    """How much of the exact latency the lower bound does not see."""
    interrupt_after: int | None = None
    measured: Counter[tuple[object, ...]] = field(default_factory=Counter)
    tunables: tuple[Tunable, ...] = (
        Tunable("m", "tile", TILES, 64, ()),
        Tunable("n", "tile", TILES, 64, ()),
        Tunable("k", "tile", (32, 64, 128), 32, ()),
        Tunable("buffers", "knob", (1, 2, 3), 1, (), slots=True),
        Tunable("order", "knob", ("mn", "nm"), "mn", ()),
    )

    def default(self) -> Config:
        return {each.name: each.default for each in self.tunables}

    def footprint(self, config: Config, tiles: Mapping[str, NDArray[np.integer]]) -> Memory:
        m, n, k = (tiles[name].astype(float) for name in ("m", "n", "k"))
        nothing = np.zeros(len(m))
        each = {"buffers": np.stack([k * (m + n), nothing])}
        return Memory(np.stack([nothing, m * n]), each, self._bound(m, n, k))

    def canonical(self, config: Config) -> Config:
        return {"order": config["order"]}

    @staticmethod
    def _bound(m: Floats, n: Floats, k: Floats) -> NDArray[np.float64]:
        return np.asarray(1e5 * (1 / m + 1 / n) + 1e3 / k)

    def measure(self, config: Config) -> Measurement:
        self.measured[tuple(config.values())] += 1
        if self.interrupt_after is not None and self.measured.total() > self.interrupt_after:
            raise KeyboardInterrupt
        m, n, k, buffers = (np.float64(config[name]) for name in ("m", "n", "k", "buffers"))
        if buffers * k * (m + n) > 60_000 or m * n > 120_000:
            raise Refused("sbuf", "too much")
        rough = 0.5 + (7 * m + 3 * n + k) % 11 / 11 + (config["order"] == "mn") / buffers
        return Measurement(float(self._bound(m, n, k) * (1 + self.gap * rough)), int(buffers * k * (m + n)))


def searched(model: FakeModel, budget: Budget, **options: object) -> Outcome:
    space = Space(model.tunables)
    landscape = survey(model, space, space.index(model.default()))
    return search(model, landscape, model.default(), budget, **options)  # type: ignore[arg-type]


def everything(model: FakeModel) -> list[float]:
    space = Space(model.tunables)
    landscape = survey(model, space, 0)
    return [model.measure(space.config(int(index))).latency_us for index in landscape.order]


def best_us(outcome: Outcome) -> float:
    assert outcome.trials.best
    return outcome.trials.best.latency_us


def test_screening_counts_what_each_limit_removes() -> None:
    model = FakeModel()
    space = Space(model.tunables)
    landscape = survey(model, space, 0)
    assert landscape.whole
    assert set(landscape.removed) == {"sbuf", "psum"}
    assert landscape.feasible + sum(landscape.removed.values()) == space.size == 16 * 16 * 3 * 3 * 2
    assert np.all(np.diff(landscape.bounds) >= 0)


def test_it_proves_the_optimum_and_stops() -> None:
    outcome = searched(FakeModel(), Budget(seconds=60))
    assert outcome.stop == "proved"
    assert best_us(outcome) == pytest.approx(min(everything(FakeModel())))
    assert len(outcome.trials.done) < outcome.trials.landscape.feasible / 2, "the bounds should have spared most of the timing"


@pytest.mark.parametrize("sampler", ["tpe", "random", "nsga2", "brute"])
def test_few_trials_beat_two_hundred_random_ones(sampler: str) -> None:
    model = FakeModel(gap=3.0)
    outcome = searched(model, Budget(None, 120), sampler=sampler)
    assert outcome.stop == "trials"
    assert len(outcome.trials.done) == 120
    random = np.random.default_rng(5).choice(everything(FakeModel(gap=3.0)), 200)
    assert best_us(outcome) <= min(random)


def test_no_configuration_is_timed_twice() -> None:
    model = FakeModel(gap=3.0)
    searched(model, Budget(None, 300))
    assert max(model.measured.values()) == 1


def test_the_same_seed_finds_the_same() -> None:
    first, second = (searched(FakeModel(gap=3.0), Budget(None, 80), seed=3, sampler="tpe") for _ in range(2))
    assert list(first.trials.done) == list(second.trials.done)
    other = searched(FakeModel(gap=3.0), Budget(None, 80), seed=4, sampler="tpe")
    assert list(other.trials.done) != list(first.trials.done)


def test_an_interrupted_search_keeps_what_it_found() -> None:
    outcome = searched(FakeModel(gap=3.0, interrupt_after=25), Budget(seconds=60))
    assert outcome.stop == "interrupted"
    assert len(outcome.trials.done) == 25
    assert best_us(outcome) <= outcome.default.latency_us


def test_a_budget_in_seconds_ends_it() -> None:
    assert searched(FakeModel(gap=3.0), Budget(seconds=0.0)).stop == "budget"


def test_ties_go_to_fewer_bytes() -> None:
    model = FakeModel(gap=0.0)
    best = searched(model, Budget(seconds=60)).trials.best
    assert best
    assert Space(model.tunables).config(best.index)["buffers"] == 1


def test_progress_tells_the_best_so_far() -> None:
    told: list[Progress] = []
    outcome = searched(FakeModel(gap=3.0), Budget(None, 60), watch=told.append)
    assert told[-1].best_us == best_us(outcome)
    assert told[-1].done == 60
    assert told[-1].fraction == 1.0
    assert told[-1].default_us == outcome.default.latency_us


def test_earlier_winners_are_tried_first() -> None:
    winner: dict[str, int | str] = {"m": 320, "n": 320, "k": 64, "buffers": 1, "order": "nm"}
    outcome = searched(FakeModel(gap=3.0), Budget(None, 2), seeds=[winner])
    assert list(outcome.trials.done)[1] == Space(FakeModel().tunables).index(winner)


def test_a_space_too_large_to_screen_is_sampled_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "WHOLE", 1000)
    monkeypatch.setattr(cells, "CELLS", 200)
    model = FakeModel(gap=3.0)
    space = Space(model.tunables)
    landscape = survey(model, space, space.index(model.default()))
    assert not landscape.whole
    assert 200 <= landscape.screened < space.size
    outcome = search(model, landscape, model.default(), Budget(None, 150))
    assert best_us(outcome) <= np.quantile(everything(FakeModel(gap=3.0)), 0.01)


def test_a_sample_searched_to_its_end_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "WHOLE", 1000)
    monkeypatch.setattr(cells, "CELLS", 50)
    assert searched(FakeModel(), Budget(seconds=60)).stop == "exhausted"


def test_an_unknown_sampler_is_named() -> None:
    with pytest.raises(UsageError, match="there is no strategy `tpee`; did you mean `tpe`"):
        searched(FakeModel(), Budget(None, 5), sampler="tpee")


def test_slots_are_settled_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeModel()
    space = Space(model.tunables)
    told: list[tuple[int, int]] = []
    at_once = survey(model, space, 0)
    monkeypatch.setattr(slots, "BLOCK", 100)
    landscape = survey(model, space, 0, progress=lambda *done: told.append(done))
    assert told[-1] == (space.size, space.size)
    assert np.array_equal(np.sort(landscape.order), np.sort(at_once.order))
    assert landscape.removed == at_once.removed


def test_what_is_worth_timing_is_what_brute_force_says() -> None:
    model = FakeModel(gap=0.0)
    space = Space(model.tunables)
    landscape = survey(model, space, 0)
    fits = [index for index in range(space.size) if _measured_us(model, space, index) < math.inf]
    assert landscape.feasible == len(fits)
    assert sum(landscape.removed.values()) == space.size - len(fits)
    assert np.array_equal(np.flatnonzero(np.isfinite(landscape.bounds_of(np.arange(space.size)))), fits)
    maximal = [index for index in fits if not {int(each) for each in _more_slots(space, index)} & set(fits)]
    assert sorted(landscape.order) == maximal
    assert set(landscape.lifted(np.array(fits)).tolist()) == set(maximal)


def _measured_us(model: FakeModel, space: Space, index: int) -> float:
    try:
        return model.measure(space.config(index)).latency_us
    except Refused:
        return math.inf


def _more_slots(space: Space, index: int) -> list[int]:
    config = space.config(index)
    return [] if config["buffers"] == 3 else [space.index({**config, "buffers": int(config["buffers"]) + 1})]


def test_equal_programs_are_timed_once() -> None:
    @dataclass
    class Indifferent(FakeModel):
        """The order makes no difference, and it says so."""

        def canonical(self, config: Config) -> Config:
            return {}

        def measure(self, config: Config) -> Measurement:
            return super().measure({**config, "order": "mn"})

    model = Indifferent(gap=0.0)
    space = Space(model.tunables)
    landscape = survey(model, space, 0)
    assert landscape.whole
    assert {space.config(int(index))["order"] for index in landscape.order} == {"mn"}
    assert landscape.feasible == survey(FakeModel(), space, 0).feasible


def test_patience_ends_the_screening_of_a_large_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feasibility, "SAMPLE", 1)
    monkeypatch.setattr(feasibility, "CLIMB", 0)
    model = FakeModel()
    space = Space(model.tunables)
    assert survey(model, space, 0, patience_s=60.0).whole
    assert survey(model, space, 0, patience_s=0.0).screened == space.size // 2
