"""Wrong values given to the public functions: every one is a `UsageError`, told before anything is searched."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import tilery
import tilery.kernels
from tilery.command.cli import main

SHAPES = {"M": 8, "N": 8}
SOFTMAX = Path(tilery.kernels.softmax.path)
WRONG: dict[str, list[Any]] = {
    "trials": [-1, 0, 1.5, "3", True, [1], math.nan, 10**30],
    "jobs": [0, -1, 1.5, "2", None, True, 10**9],
    "seed": [-1, 0.5, "1", None, True, 2**31],
    "budget": ["-3s", "3 parsecs", math.nan, math.inf, -1, 0, True, [1], {}, "9" * 400, 10**400, ""],
    "max_error": [-1, 0, math.nan, math.inf, "x", True],
    "objective": [5, None, {"x": 1}, "speed", "latency,latency", ""],
    "sampler": [5, "best"],
    "chip": [5, None, "trn9"],
    "shapes": [
        None,
        [1],
        {1: 2},
        {"M": None, "N": 8},
        {"M": True, "N": 8},
        {"M": 8},
        {"M": math.inf, "N": 8},
        {"M": [8], "N": 8},
    ],
    "output": [5, "", "a\0b", b"x"],
    "storage": [5, "nowhere"],
    "measure": [5],
    "measure_timeout": ["soon", math.nan],
    "grace": ["soon", -1, math.nan],
    "progress": [5],
}
CASES = [(name, value) for name, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES, ids=[f"{name}={value!r:.30}" for name, value in CASES])
def test_autotune(name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def search(*_: object, **__: object) -> None:
        raise AssertionError("it has been searched")

    monkeypatch.setattr("tilery.tuner.by_model.search", search)
    options: dict[str, Any] = {"shapes": SHAPES, "budget": "5s", "save": False} | {name: value}
    if name == "trials":
        del options["budget"]
    with pytest.raises(tilery.UsageError):
        tilery.autotune(tilery.kernels.softmax, **options)


SIMULATE: list[dict[str, Any]] = [
    {"config": [1]},
    {"config": {"m": None}},
    {"config": {1: 2}},
    {"config": {"m": 0}},
    {"what_if": "dma.bytes_per_s=*2"},
    {"what_if": [1]},
    {"what_if": 5},
    {"cores": "x"},
    {"cores": 0},
    {"chip": 5},
    {"M": None},
    {"M": -1},
    {"M": "many"},
    {"T": 5},
    {"T": None},
]


@pytest.mark.parametrize("wrong", SIMULATE, ids=str)
def test_simulate(wrong: dict[str, Any]) -> None:
    with pytest.raises(tilery.UsageError):
        tilery.simulate(tilery.kernels.softmax, **({"M": 8, "N": 8} | wrong))


def test_what_is_no_kernel_and_no_file(tmp_path: Path) -> None:
    for wrong in (None, "softmax", 5):
        with pytest.raises(tilery.UsageError, match="no kernel"):
            tilery.simulate(wrong, M=8, N=8)  # type: ignore[arg-type]
        with pytest.raises(tilery.UsageError, match="no kernel"):
            tilery.autotune(wrong, shapes=SHAPES)  # type: ignore[arg-type]
    for path in (None, 5, "", "a\0b", b"x", tmp_path, tmp_path / ("x" * 300)):
        with pytest.raises(tilery.UsageError):
            tilery.load(path)  # type: ignore[arg-type]


COMMANDS = [
    ["autotune", "--trials", "-1"],
    ["autotune", "--jobs", "0"],
    ["autotune", "--seed", "-1"],
    ["autotune", "--budget", "-3s"],
    ["autotune", "--budget", "nan"],
    ["autotune", "--max-error", "nan"],
    ["run", "--seed", "-1"],
    ["run", "--stochastic", "-1"],
    ["run", "--shuffle", "-1"],
    ["run", "--scratch", "0"],
    ["run", "--set", "m=None"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_command_line(words: list[str]) -> None:
    outcome = CliRunner().invoke(main, [words[0], str(SOFTMAX), "M=8", "N=8", *words[1:]])
    assert outcome.exit_code == 2, outcome.output
    assert "internal error" not in outcome.output


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("buget", "autotune takes no `buget`; did you mean `budget`"),
        ("strategy", "autotune takes no `strategy`; did you mean `sampler`?"),
        ("n_trials", "autotune takes no `n_trials`; did you mean `trials`?"),
        ("kernel_name", "autotune takes no `kernel_name`; it takes chip, cores, shapes, budget"),
    ],
)
def test_a_keyword_that_is_none_names_the_right_one(name: str, told: str) -> None:
    options: dict[str, Any] = {name: 3}
    with pytest.raises(tilery.UsageError, match=re.escape(told)):
        tilery.autotune(tilery.kernels.softmax, shapes=SHAPES, **options)


def test_an_option_among_the_names_of_a_kernel_is_told() -> None:
    with pytest.raises(
        tilery.UsageError, match=r"`trials` is an option of tilery\.autotune\(kernel, shapes=\.\.\., trials=\.\.\.\)"
    ):
        tilery.kernels.softmax.autotune(M=8, N=8, trials=3)
