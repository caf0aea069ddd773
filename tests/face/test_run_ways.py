"""The ways of `tilery run`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tilery.cli import main

MATMUL = [str(Path(__file__).parents[2] / "kernels" / "matmul.tk"), "M=40", "K=70", "N=50", "--set", "k=32"]
WAYS = [
    [],
    ["--exact"],
    ["--shuffle", "3"],
    ["--high-precision"],
    ["--stochastic", "1"],
    ["--fast-accumulate"],
    ["--scratch", "16"],
]


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_every_way_is_right(way: list[str]) -> None:
    outcome = CliRunner().invoke(main, ["run", *MATMUL, *way, "--json"])
    assert outcome.exit_code == 0, outcome.output
    said = json.loads(outcome.stdout)
    assert said["ok"] or way[0] == "--stochastic"
    if way == ["--high-precision"]:
        assert said["max_error"] < 1e-12


def test_probes_are_saved(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    outcome = CliRunner().invoke(main, ["run", *MATMUL, "--probe", "acc", "--probe-file", str(path), "--json"])
    assert outcome.exit_code == 0, outcome.output
    with np.load(path) as saved:
        assert saved["acc_line8"].shape == (3, 40, 50)
        assert saved["acc_line8.axes"].tolist() == ["k", "m", "n"]


CONTRADICTIONS = [
    (["--exact", "--stochastic", "1"], "two ways to run a kernel"),
    (["--shuffle", "1", "--probe", "acc"], "leave one out"),
    (["--probe", "ac"], "did you mean `acc`"),
]


@pytest.mark.parametrize(("words", "message"), CONTRADICTIONS)
def test_contradictions_are_told(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = CliRunner().invoke(main, ["run", *MATMUL, *words])
    assert outcome.exit_code == 2 and message in outcome.output
