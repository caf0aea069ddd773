"""`tilery compare`: each chip tuned, one core or whole, and what is not known left out."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tilery.command.cli import main
from tilery.pipeline import Pipeline

KERNELS = Path(__file__).parents[2] / "kernels"
SHAPE = ["M=256", "K=256", "N=512", "--budget", "0.2s"]


@pytest.fixture
def matmul(tmp_path: Path) -> Path:
    path = tmp_path / "matmul.tk"
    path.write_text((KERNELS / "matmul.tk").read_text())
    return path


def compare(*words: object) -> Result:
    return CliRunner().invoke(main, ["compare", *(str(word) for word in words)], env={"COLUMNS": "80"})


def test_three_chips_side_by_side(matmul: Path) -> None:
    done = compare(matmul, *SHAPE)
    assert done.exit_code == 0, done.output
    assert max(map(len, done.stdout.split("\n"))) <= 80
    for word in ("trn1", "trn2", "trn3", "latency", "of peak", "energy", "USD/million", "1.00x", "One core", "2026-07-22"):
        assert word in done.stdout
    assert not (matmul.parent / "matmul.tuned.json").exists()


def test_whole_chips_share_the_work_and_say_how(matmul: Path) -> None:
    words = [matmul, *SHAPE, "--chips", "trn2,trn3"]
    one, whole = (json.loads(compare(*words, "--json", *more).stdout) for more in ([], ["--whole-chip"]))
    for core, chip in zip(one["chips"], whole["chips"], strict=True):
        assert (core["cores"], chip["cores"]) == (1, 8)
        assert chip["latency_us"] <= core["latency_us"]
        # What a loop does not depend on is loaded by every core that has steps of it.
        assert 0.5 * core["energy_j"] <= chip["energy_j"] <= 4 * core["energy_j"]
        assert chip["peak_share"] <= 1
    assert one["chips"][1]["price_usd"] is None
    assert "the steps of the tile loops" in compare(*words, "--whole-chip").stdout


def test_a_tuned_entry_is_used_and_a_changed_chip_compared(matmul: Path) -> None:
    CliRunner().invoke(main, ["autotune", str(matmul), *SHAPE[:3], "--trials", "3"])
    (row,) = json.loads(compare(matmul, *SHAPE, "--chips", "trn2", "--json").stdout)["chips"]
    assert row["origin"] == "tuned"
    (row,) = json.loads(compare(matmul, *SHAPE, "--chips", "trn2", "--json", "--what-if", "hbm.bytes_per_s=/4").stdout)["chips"]
    assert row["origin"] == "searched"
    assert row["chip"] == "trn2 with hbm.bytes_per_s=/4"


def test_a_chip_that_cannot_run_it_says_why_and_leaves_the_others(matmul: Path) -> None:
    done = compare(KERNELS / "softmax.tk", "M=128", "N=200000", "--budget", "0.2s", "--chips", "trn1,trn2")
    assert done.exit_code == 0, done.output
    assert "does not run" in done.stdout
    assert "bytes a partition of SBUF" in done.stdout


def test_mistakes_are_told(matmul: Path) -> None:
    assert "there is no chip 'trn9'" in compare(matmul, *SHAPE, "--chips", "trn1,trn9").stderr
    assert "--chips names no chip" in compare(matmul, *SHAPE, "--chips", ",").stderr


def test_an_interrupt_ends_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ended the search for one chip, and the next one began."""
    tuned: list[str] = []

    def interrupted(pipeline: Pipeline, *options: Any, **more: Any) -> SimpleNamespace:
        tuned.append(pipeline.chip.name)
        return SimpleNamespace(stop="interrupted", config={})

    monkeypatch.setattr(Pipeline, "tune", interrupted)
    result = CliRunner().invoke(main, ["compare", str(KERNELS / "softmax.tk"), "M=64", "N=33"])
    assert result.exit_code == 130
    assert tuned == ["trn1"]
