"""Paths that the system refuses: each option that takes one says so, and nothing else happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import tilery
from tilery import kernels
from tilery.command.cli import main
from tilery.dsl.errors import UsageError

LONG = "9" * 300
"""Longer than a file's name may be on any system in use."""
KERNEL = str(Path(kernels.__file__).parent / "softmax.tk")
SHAPE = ["M=20", "N=30", "T=f32"]
TUNE = ["autotune", KERNEL, *SHAPE, "--trials", "2"]

COMMANDS: dict[str, list[str]] = {
    "check": ["check", "{}"],
    "fmt": ["fmt", "{}"],
    "tuned": ["tuned", "{}"],
    "run": ["run", "{}", *SHAPE],
    "run a kernel of a file": ["run", "{}:softmax", *SHAPE],
    "run --data": ["run", KERNEL, *SHAPE, "--data", "{}.npz"],
    "run --save": ["run", KERNEL, *SHAPE, "--save", "{}.npz"],
    "run --tuned": ["run", KERNEL, *SHAPE, "--tuned", "{}"],
    "run --probe-file": ["run", KERNEL, *SHAPE, "--probe", "e", "--probe-file", "{}.npz"],
    "simulate --chip": ["simulate", KERNEL, *SHAPE, "--chip", "{}.toml"],
    "simulate --tuned": ["simulate", KERNEL, *SHAPE, "--tuned", "{}"],
    "autotune --output": [*TUNE, "--output", "{}"],
    "autotune --measure": [*TUNE, "--measure", "{}"],
    "autotune --storage": [*TUNE, "--output", "o.json", "--storage", "sqlite:///{}.db"],
    "autotune --storage, a journal": [*TUNE, "--output", "o.json", "--storage", "journal:///{}.log"],
    "autotune --report": [*TUNE, "--output", "o.json", "--report", "{}.html"],
    "autotune --plot": [*TUNE, "--output", "o.json", "--objective", "latency,energy", "--plot", "{}.png"],
    "freeze": ["freeze", KERNEL, *SHAPE, "--output", "{}"],
}


@pytest.mark.parametrize("where", [LONG, f"{LONG}/x", f"{KERNEL}/x"], ids=["too long", "in what is too long", "in a file"])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_path_that_cannot_be_is_one_message(
    words: list[str], where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = CliRunner().invoke(main, [each.replace("{}", where) for each in words])
    assert outcome.exit_code in (1, 2), outcome.output
    assert "internal error" not in outcome.output and "Traceback" not in outcome.output
    assert where[:40] in outcome.output.replace("\n", "")


def test_a_command_with_a_name_too_long_is_a_mistake_of_the_call() -> None:
    with pytest.raises(UsageError, match="there is no such command"):
        tilery.autotune(kernels.softmax, shapes={"M": 20, "N": 30, "T": "f32"}, trials=2, measure=LONG)


def test_a_shipped_kernel_with_a_name_too_long_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="there is no shipped kernel"):
        getattr(kernels, LONG)
