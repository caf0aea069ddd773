"""Every option of a tuning in every way of tuning: it reaches the search, or is refused before it; nothing is ignored.

The table stands in docs/tuning.md, for the reader; here it is held against the program.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import tilery
from tilery.command.autotune import autotune as command
from tilery.command.cli import main
from tilery.tuner.options import Options

ROOT = Path(__file__).parents[2]
WAYS = {"latency": [], "several": ["--objective", "latency,energy"], "measured": ["--measure", "echo 5"]}
GIVEN: dict[str, list[str]] = {
    "--chip": ["--chip", "trn1"],
    "--what-if": ["--what-if", "sbuf.bytes_per_partition=*2"],
    "--json": ["--json"],
    "--cores": ["--cores", "2"],
    "--budget": ["--budget", "7s"],
    "--trials": ["--trials", "3"],
    "--objective": ["--objective", "energy"],
    "--max-error": ["--max-error", "0.01"],
    "--plot": ["--plot", "{folder}/front.png"],
    "--report": ["--report", "{folder}/report.html"],
    "--sampler": ["--sampler", "tpe"],
    "--measure-timeout": ["--measure-timeout", "1s"],
    "--storage": ["--storage", "journal:{folder}/study.journal"],
    "--jobs": ["--jobs", "2"],
    "--grace": ["--grace", "9s", "--storage", "journal:{folder}/study.journal"],
    "--continue": ["--continue"],
    "--seed": ["--seed", "5"],
    "--output": ["--output", "{folder}/other.tuned.json"],
}
OUTSIDE = {"--json", "--plot", "--report", "--output"}
"""What is done with the result, and no part of the search."""
PYTHON_ONLY = {"shapes", "save", "progress"}


def table() -> dict[tuple[str, str], bool]:
    """Whether an option is honoured, by option and way, as docs/tuning.md says it."""
    text = (ROOT / "docs" / "tuning.md").read_text()
    rows = re.findall(r"^\| `(--[a-z-]+)`[^|]*\| (yes|refused) \| (yes|refused) \| (yes|refused) \|", text, re.M)
    return {(row[0], way): cell == "yes" for row in rows for way, cell in zip(WAYS, row[1:], strict=True)}


TABLE = table()


class Begun(tilery.UsageError):
    """The search would begin now."""


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What a search was to begin with."""
    seen: list[tuple[Any, ...]] = []

    def begin(model: Any, *given: Any, **named: Any) -> None:
        options = next(each for each in given if isinstance(each, Options))
        seen.append(
            (replace(options, budget_s=round(options.budget_s or 0)), model.chip, model.cores, model.names, model.max_error)
        )
        raise Begun("begun")

    monkeypatch.setattr("tilery.tuner.by_model.autotune", begin)
    monkeypatch.setattr("tilery.tuner.measured.by_measurement.autotune_measured", begin)
    return seen


def run(folder: Path, *words: str) -> str:
    kernel = folder / "softmax.tk"
    kernel.write_text((ROOT / "kernels" / "softmax.tk").read_text())
    asked = ["autotune", str(kernel), "M=64", "N=128", *(each.replace("{folder}", str(folder)) for each in words)]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 2
    return result.stderr


def test_the_table_has_every_option() -> None:
    options = {each.opts[0] for each in command.params if isinstance(each, click.Option) and not each.hidden}
    assert {option for option, _ in TABLE} == options == {*GIVEN, "--measure"}
    named = {option.removeprefix("--").replace("-", "_") for option in options} - {
        "json",
        "plot",
        "report",
        "what_if",
        "continue",
    }
    assert named | {"resume"} == {*inspect.signature(tilery.autotune).parameters} - PYTHON_ONLY - {"kernel", "unknown"}


@pytest.mark.parametrize(("option", "way"), [each for each in TABLE if each[0] != "--measure"])
def test_an_option_is_honoured_or_refused(option: str, way: str, tmp_path: Path, begun: list[tuple[Any, ...]]) -> None:
    if option == "--objective" and way == "several":
        return  # it is the option that makes the way
    told = run(tmp_path, *WAYS[way], *GIVEN[option])
    if not TABLE[option, way]:
        assert not begun
        assert "error:" in told
        assert "begun" not in told
        return
    if option == "--continue":
        assert "nothing to continue" in told  # it has looked for what there is to go on from
        return
    assert "begun" in told, told
    if option not in OUTSIDE:
        beside = GIVEN[option][2:] if option == "--grace" else []
        run(tmp_path, *WAYS[way], *beside)
        asked, plain = begun
        assert asked != plain, "it made no difference to what was searched"
