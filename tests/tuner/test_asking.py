"""`tilery.tuner.Search`: what it asks for, and how good that is on a small rough space."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np
import pytest

from tilery.dsl.errors import UsageError
from tilery.kernels import softmax
from tilery.tuner import Exhausted, Search

Value = int | float | str | bool | None
SPACE: dict[str, list[Value]] = {
    "block": [16, 32, 64, 128, 256, 512],
    "tile": [1, 2, 3, 4, 5, 6, 7, 8],
    "depth": [8, 16, 32, 64],
    "staged": [False, True],
    "order": ["rows", "columns", "blocks"],
}


def allowed(config: Mapping[str, Value]) -> bool:
    return _number(config, "block") * _number(config, "tile") <= 1024


def _number(config: Mapping[str, Value], name: str) -> float:
    value = config[name]
    assert isinstance(value, int)
    return float(value)


def microseconds(config: Mapping[str, Value]) -> float:
    block, tile, depth = (_number(config, name) for name in ("block", "tile", "depth"))
    if block == 512 and depth == 64:
        return math.inf
    cliff = 3.0 if tile * depth > 160 else 1.0
    order = {"rows": 1.0, "columns": 1.4, "blocks": 0.9 if config["staged"] else 1.8}[str(config["order"])]
    return 100 * cliff * order * (1 + abs(math.log2(block / 128)) + 2 / tile + 8 / depth)


def run(sampler: str, count: int, seed: int = 0) -> Search:
    search = Search(SPACE, allowed, sampler=sampler, seed=seed)
    for _ in range(count):
        config = search.ask()
        assert allowed(config)
        search.tell(config, microseconds(config))
    return search


@pytest.mark.parametrize("sampler", ["surrogate", "descent", "random", "brute", "tpe", "nsga2"])
def test_nothing_is_asked_twice_and_the_seed_decides(sampler: str) -> None:
    asked = [each.config for each in run(sampler, 25).told]
    assert len({tuple(each.items()) for each in asked}) == 25
    assert asked == [each.config for each in run(sampler, 25).told]


def test_few_evaluations_come_close_to_the_optimum() -> None:
    best = min(microseconds(each.config) for each in run("brute", Search(SPACE, allowed).feasible).told)
    found = [told.value for seed in range(5) if (told := run("surrogate", 40, seed).best)]
    assert statistics.median(found) <= 1.1 * best


def test_it_ends_when_everything_has_been_asked() -> None:
    search = Search({"a": [1, 2, 3], "b": ["x", "y"]}, lambda config: config != {"a": 2, "b": "x"})
    asked = [search.ask() for _ in range(5)]
    assert {"a": 2, "b": "x"} not in asked
    with pytest.raises(Exhausted, match="all 5 feasible"):
        search.ask()


def test_failures_are_kept_and_never_best() -> None:
    search = Search({"a": list(range(1, 21))}, seed=1)
    for number in range(19):
        config = search.ask()
        search.tell(config, "crashed" if number % 2 else math.inf)
    before = search.best
    assert before is None
    last = search.ask()
    search.tell(last, 5.0)
    after = search.best
    assert after is not None and after.config == last
    assert [each.reason for each in search.told].count("crashed") == 9


def test_told_without_being_asked_and_several_at_once() -> None:
    search = Search({"a": [1, 2, 3]}, seeds=[{"a": 2}])
    search.tell({"a": 1}, -3.0)
    assert [search.ask(), search.ask()] == [{"a": 2}, {"a": 3}]


def test_a_space_too_large_to_list_is_followed_downhill() -> None:
    search = Search({f"p{place}": list(range(1, 9)) for place in range(9)}, lambda each: each["p0"] != 3, seed=2)
    for _ in range(60):
        config = search.ask()
        assert config["p0"] != 3
        search.tell(config, sum((_number(config, name) - 4) ** 2 for name in config) + 1)
    assert search.best and search.best.value < 20


def test_a_kernel_s_space_brings_feasibility_and_ranking() -> None:
    search = Search(softmax.space(M=256, N=512))
    config = {name: value for name, value in search.ask().items() if isinstance(value, int | str)}
    assert softmax.simulate(M=256, N=512, config=config).latency_us > 0
    with pytest.raises(UsageError, match="takes no constraint"):
        Search(softmax.space(M=256, N=512), allowed)


def test_it_goes_on_beyond_what_a_model_finds_worth_a_look() -> None:
    landscape = softmax.space(M=256, N=512)
    search = Search(landscape, sampler="brute")
    assert search.feasible < landscape.feasible
    asked = set[int]()
    for _ in range(search.feasible + 150):  # not all of them: there are thousands
        config = search.ask()
        asked.add(landscape.space.index({name: value for name, value in config.items() if isinstance(value, int | str)}))
        search.tell(config, 1.0)
    assert len(asked) == len(search.told) < landscape.feasible
    assert np.isfinite(landscape.bounds_of(np.array(list(asked)))).all()


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match="there is no strategy `surogate`; did you mean `surrogate`"):
        Search(SPACE, sampler="surogate")
    with pytest.raises(UsageError, match="no configuration of this space meets the constraint"):
        Search(SPACE, lambda config: False)
    with pytest.raises(UsageError, match="at least one value"):
        Search({"a": []})
    search = Search(SPACE, allowed)
    with pytest.raises(UsageError, match="not feasible"):
        search.tell({"block": 512, "tile": 8, "depth": 8, "staged": True, "order": "rows"}, 1.0)
    config = search.ask()
    with pytest.raises(UsageError, match="no value to minimise"):
        search.tell(config, math.nan)
    search.tell(config, 1.0)
    with pytest.raises(UsageError, match="told already"):
        search.tell(config, 1.0)


@pytest.mark.parametrize(
    ("space", "told"),
    [
        ([1, 2], "a search space is a mapping"),
        (None, "a search space is a mapping"),
        ({1: [1, 2]}, "a search space is a mapping"),
        ({}, "at least one parameter"),
        ({"a": 3}, "a: a list of values is expected"),
        ({"a": "abc"}, "a: a list of values is expected"),
        ({"a": None}, "a: a list of values is expected"),
        ({"a": [[1], [2]]}, "a: a value is a number, a text"),
        ({"a": [1.0, math.nan]}, "a: nan is no number that can be searched for"),
        ({"a": [1.0, math.inf]}, "a: inf is no number"),
        ({"a": [1, 10**400]}, "is no number"),
        ({"a": range(100_000)}, "a has more than 32,767 values"),
        ({"a": count()}, "a has more than 32,767 values"),
    ],
)
def test_a_space_that_is_none_is_told(space: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Search(space)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"seed": -1}, "seed=-1: a whole number from 0"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"seed": None}, "seed=None"),
        ({"seed": True}, "seed=True"),
        ({"seed": 2**40}, "seed=1099511627776"),
        ({"sampler": None}, "sampler=None: the name or the class"),
        ({"sampler": ["tpe"]}, "the name or the class"),
        ({"constraint": 3}, "the constraint is a function"),
        ({"seeds": {"a": 1}}, "seeds are a list of configurations"),
        ({"seeds": None}, "seeds are a list of configurations"),
        ({"seeds": [3]}, "a configuration is a mapping of names to values; this is 3"),
        ({"seeds": [{"a": 9}]}, "no configuration of this space"),
    ],
)
def test_options_that_are_none_are_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Search({"a": [1, 2, 3]}, **options)


@pytest.mark.parametrize("value", [math.nan, -math.inf, None, [1], 1j, True, np.array([1.0, 2.0]), 10**400, "12.5", "nan", "inf"])
def test_a_value_that_is_none_is_told_and_changes_nothing(value: Any) -> None:
    search = Search({"a": [1, 2, 3]})
    with pytest.raises(UsageError, match=r"is no value to minimise|tell the number"):
        search.tell({"a": 1}, value)
    assert search.told == []
    measured: Any = np.float32(2.5)
    search.tell({"a": 1}, measured)
    assert search.best and search.best.value == 2.5


@pytest.mark.parametrize("config", [None, 3, {}, {"b": 1}, {1: 1}, {"a": [1]}, {"a": 9}])
def test_a_configuration_that_is_none_is_told(config: Any) -> None:
    search = Search({"a": [1, 2, 3]})
    with pytest.raises(UsageError, match="configuration"):
        search.tell(config, 1.0)
    with pytest.raises(UsageError, match="configuration"):
        search.take(config)


def test_numbers_of_numpy_are_those_of_python() -> None:
    space: Any = {"a": np.arange(1, 4), "b": [np.float32(0.5)]}
    search = Search(space)
    assert {type(each) for each in search.ask().values()} == {int, float}


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_what_a_sampler_asks_for_is_moved_to_the_nearest_that_is_feasible_and_new(sampler: str) -> None:
    # Of 18 combinations 3 are allowed: a sampler that does not know this asks for one of the others most of the time.
    space: dict[str, list[Value]] = {"a": [1, 2, 3], "b": [1, 2, 3], "c": ["x", "y"]}
    search = Search(space, lambda each: each["a"] == each["b"] and each["c"] == "x", sampler=sampler)
    asked = [search.ask()["a"] for _ in range(3)]
    assert sorted(asked, key=str) == [1, 2, 3]
    with pytest.raises(Exhausted):
        search.ask()


@pytest.mark.parametrize(("sampler", "package"), [("gp", "torch"), ("cmaes", "cmaes")])
def test_a_sampler_whose_package_is_missing_says_so(sampler: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=f"the strategy `{sampler}` needs the package {package}: pip install {package}"):
        Search(SPACE, allowed, sampler=sampler)


def test_a_numeric_sampler_works_on_any_space() -> None:
    pytest.importorskip("cmaes")
    asked = [each.config for each in run("cmaes", 25).told]
    assert len({tuple(each.items()) for each in asked}) == 25
