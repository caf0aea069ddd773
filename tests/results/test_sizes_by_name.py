"""Leading axes, dimensions of one element and constants that are sizes, on the command line and in results files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tilery
from tilery.command.cli import main
from tilery.tuner.results.store import TunedFile

KERNELS = Path(__file__).parents[1] / "kernels" / "sizes"


def invoked(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words], env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output
    return str(done.output)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("leading", "convolution"):
        (tmp_path / f"{name}.tk").write_text((KERNELS / f"{name}.tk").read_text())
    return tmp_path


ROWS = ("...=130", "N=200", "T=f32")


def test_a_tuned_entry_of_leading_axes_and_one_bias(folder: Path) -> None:
    kernel = f"{folder / 'leading.tk'}:layernorm_of_any"
    invoked("autotune", kernel, *ROWS, "bias....=1", "--trials", "1", "--json")
    (entry,) = TunedFile.beside(folder / "leading.tk").read()
    assert entry.key.dims == {"...": 130, "N": 200} and entry.key.constants == {"bias....": 1}
    assert "layernorm_of_any ...=130 N=200 T=f32 bias....=1 --chip trn2" in invoked("tuned", folder)
    shown = json.loads(invoked("simulate", kernel, *ROWS, "bias....=1", "--json"))
    assert shown["config"] == dict(entry.config)
    called = tilery.load(folder / "leading.tk")["layernorm_of_any"]
    x, row = np.ones((2, 65, 200), np.float32), np.ones(200, np.float32)
    assert called(x, row, row).shape == x.shape and called.check(x, row, row)


def test_a_tuned_entry_of_constants_that_are_sizes(folder: Path) -> None:
    kernel, sizes = folder / "convolution.tk", ("N=1", "C=20", "H=11", "W=13", "O=9", "T=f32", "groups=2", "stride=1")
    told = json.loads(invoked("autotune", kernel, *sizes, "--trials", "1", "--json"))
    (entry,) = TunedFile.beside(kernel).read()
    assert entry.key.constants["groups"] == 2 and entry.key.constants["padding"] == 1
    assert "right" in invoked("run", kernel, *sizes, "--exact")
    assert "groups=2" in invoked("tuned", folder) and "o of O by " in invoked("freeze", kernel, *sizes)
    assert told["latency_us"] == json.loads(invoked("simulate", kernel, *sizes, "--json"))["latency_us"]


def test_runs_of_drawn_and_of_given_arguments(folder: Path) -> None:
    kernel = f"{folder / 'leading.tk'}:softmax_of_any"
    assert "right" in invoked("run", kernel, "...=7", "N=40", "T=bf16", "--exact")
    assert "there are no elements" in invoked("run", kernel, "...=0", "N=40", "T=f32")
    np.savez(folder / "given.npz", x=np.random.default_rng(1).standard_normal((2, 3, 40)).astype(np.float32))
    assert "right" in invoked("run", kernel, "--data", folder / "given.npz")
    assert "`...` is 0, and a chip has nothing to do" in invoked("simulate", kernel, "...=0", "N=40", code=2)
    assert "needs dimension ...\nhelp: say, for example, ...=1024 N=40" in invoked("run", kernel, "N=40", code=2)


def test_pages_and_stages_name_leading_axes(folder: Path) -> None:
    kernel = f"{folder / 'leading.tk'}:layernorm_of_any"
    assert "...=130" in invoked("explain", kernel, *ROWS)
    program = invoked("show", kernel, *ROWS, "bias....=1", "--stage", "program")
    assert "bias: f32[1, N]" in program and "x: f32[..., N]" in program and "tile r of ...:" in program
    described = json.loads(invoked("check", folder / "leading.tk", "--json"))["kernels"]
    assert described[1]["dimensions"] == ["...", "N"]
