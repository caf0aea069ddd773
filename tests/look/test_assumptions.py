"""What a latency rests on that nobody has published for the chip is said, quietly, where it matters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tilery.backends.chips import ChipError, chip_names, load_chip
from tilery.backends.chips.chip import tables
from tilery.backends.machine.explain.assumed import assumed
from tilery.command.cli import main

ROOT = Path(__file__).parents[2]
SOFTMAX = ("simulate", "kernels/softmax.tk", "M=256", "N=512", "T=bf16")


def page(*words: str) -> str:
    found = CliRunner().invoke(main, list(words), env={"COLUMNS": "200"})
    assert found.exit_code == 0, found.output
    return found.stdout


def test_a_latency_that_rests_on_the_floor_of_another_chip_says_so() -> None:
    (line,) = [each for each in page(*SOFTMAX, "--chip", "trn3").splitlines() if each.startswith("rests on")]
    assert "dma.floor_ns" in line and "not published for trn3" in line
    assert "rests on" not in page(*SOFTMAX, "--chip", "trn2")


def test_a_number_that_the_user_gives_is_the_user_s() -> None:
    given = page(*SOFTMAX, "--chip", "trn3", "--what-if", "dma.floor_ns=500")
    assert "rests on" in given and "dma.floor_ns," not in given


def test_the_effect_is_that_of_ten_percent_more() -> None:
    words = (*SOFTMAX, "--chip", "trn3", "--json")
    usual = json.loads(page(*words))
    (floor,) = [each for each in usual["assumptions"] if each["field"] == "dma.floor_ns"]
    more = json.loads(page(*words, "--what-if", "dma.floor_ns=+10%"))
    assert floor["value"] == 467 and floor["effect"] == pytest.approx(more["latency_us"] / usual["latency_us"] - 1, rel=1e-6)


def test_what_is_assumed_are_numbers_of_the_table(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "npu16.toml").read_text()
    mine = tmp_path / "mine.toml"
    mine.write_text(text.replace("[dma]\n", '[dma]\nassumed = ["latency"]\n'))
    with pytest.raises(ChipError, match=r"dma.assumed: there is no latency; did you mean latency_ns\?"):
        load_chip(mine)
    mine.write_text(text.replace("[dma]\n", '[dma]\nassumed = ["latency_ns"]\n'))
    assert assumed(load_chip(mine)) == {"dma.latency_ns": 200.0}
    assert load_chip(mine).fingerprint == load_chip(ROOT / "examples" / "npu16.toml").fingerprint


def test_a_rate_that_nobody_has_published_is_said_where_integers_are_added(tmp_path: Path) -> None:
    (tmp_path / "add.tk").write_text(
        "kernel add(x: i32[M, N], z: i32[M, N]) -> y: i32[M, N]:\n    tile m of M:\n        y[m, N] = x[m, N] + z[m, N]\n"
    )
    words = ("simulate", str(tmp_path / "add.tk"), "M=256", "N=2048", "--json")
    (found,) = [each for each in json.loads(page(*words))["assumptions"] if each["field"] == "gpsimd.passes.tensor_tensor"]
    assert found["value"] == 4 and found["effect"] > 0
    given = json.loads(page(*words, "--what-if", "gpsimd.passes.tensor_tensor=3"))["assumptions"]
    assert all(each["field"] != "gpsimd.passes.tensor_tensor" for each in given)


@pytest.mark.parametrize("name", chip_names())
def test_shipped_chips_say_what_they_take_from_elsewhere(name: str) -> None:
    chip = load_chip(name)
    for field in assumed(chip):
        section, _, _ = field.partition(".")
        assert any(
            word in tables(chip)[section]["source"] for word in ("trn2", "trn1", "under 256 B", "the slower assumption")
        ), field
