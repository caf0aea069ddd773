"""The ways of `tilery run`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tilery.command.cli import main

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


NOTHING = """
kernel nothing(v: f32[N]) -> y: f32[N]:
    reference:
        y[N] = log(v[N] - 100)
    tile n of N:
        y[n] = log(v[n] - 200)
"""


def test_a_run_that_proves_nothing_says_so(tmp_path: Path) -> None:
    """Both sides are NaN everywhere, whatever the kernel computes."""
    path = tmp_path / "nothing.tk"
    path.write_text(NOTHING)
    told = CliRunner().invoke(main, ["run", str(path), "N=100"])
    assert told.exit_code == 1
    assert "UNPROVEN: y is 100 % NaN" in told.stdout and "right" not in told.stdout
    assert "help: give the arguments a range in the signature, as `v: ... in 0..1`" in told.stderr
    data = json.loads(CliRunner().invoke(main, ["run", str(path), "N=100", "--json"]).stdout)
    assert data["verdict"] == "unproven" and not data["ok"] and data["extent"]["nan"] == 1


def test_no_tuning_is_verified_by_nothing(tmp_path: Path) -> None:
    path = tmp_path / "nothing.tk"
    path.write_text(NOTHING)
    told = CliRunner().invoke(main, ["autotune", str(path), "N=100", "--budget", "2"])
    assert told.exit_code == 1
    assert "nothing cannot be verified: y is 100 % NaN" in told.stderr
    assert not (tmp_path / "nothing.tuned.json").exists()


def test_probes_are_saved(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    outcome = CliRunner().invoke(main, ["run", *MATMUL, "--probe", "acc", "--probe-file", str(path), "--json"])
    assert outcome.exit_code == 0, outcome.output
    with np.load(path) as saved:
        assert saved["acc_line8"].shape == (3, 40, 50)
        assert saved["acc_line8.axes"].tolist() == ["k", "m", "n"]


def test_the_debugger_has_the_tiles_by_name() -> None:
    """Two steps of k: the line is come through twice, with the sum so far; `q` leaves the rest alone."""
    words = ["run", MATMUL[0], "M=3", "K=4", "N=2", "--set", "k=2", "--set", "m=3", "--set", "n=2", "--break", "8"]
    typed = "acc.shape, K.item(), k.tolist()\nc\nk.tolist()\nlist\nq\n"
    done = subprocess.run([sys.executable, "-m", "tilery", *words], input=typed, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "((3, 2), 4, [0, 1])" in done.stdout and "[2, 3]" in done.stdout
    assert re.search(r"8 +->\s+acc \+= a\[m, k\] @ b\[k, n\]", done.stdout) and "values         right" in done.stdout


CONTRADICTIONS = [
    (["--break", "3"], "computes nothing in line 3"),
    (["--break", "8", "--json"], "leave one out"),
    (["--break", "8", "--exact"], "--break looks at values of the text"),
    (["--exact", "--stochastic", "1"], "two ways to run a kernel"),
    (["--shuffle", "1", "--probe", "acc"], "leave one out"),
    (["--probe", "ac"], "did you mean `acc`"),
]


@pytest.mark.parametrize(("words", "message"), CONTRADICTIONS)
def test_contradictions_are_told(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = CliRunner().invoke(main, ["run", *MATMUL, *words])
    assert outcome.exit_code == 2 and message in outcome.output
