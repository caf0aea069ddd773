"""Who wants values only does not wait for the chip, and a fault of lowering cannot reach him."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import tilery
from tilery.command.cli import main
from tilery.kernel import Kernel

WINDOWS = """
kernel pool(x: T[P + 24]) -> y: T[P]:
    tile p of P:
        best = f32(x[p])
        for r in 0..5:
            for s in 0..5:
                best = max(best, x[p + 5 * r + s])
        y[p] = best
"""
BYTES = """
kernel bytes(x: i8[P, N]) -> y: i32[N]:
    tile n of N:
        y[n] = max[P](x[P, n])
"""
PRECISION = """
kernel scaled(x: T[M, K], w: T[K, N]) -> y: T[M, N]:
    tune P in {f16, f32}
    tune TK in {64, 128} = 128
    reference:
        y[M, N] = sum[K](x[M, K] * w[K, N])
    tile m of M, n of N:
        acc = zeros[m, n]
        for k of K by TK:
            acc += P(x[m, k]) @ P(w[k, n])
        y[m, n] = acc
"""


class Broken(RuntimeError):
    """What no user should ever see."""


@pytest.fixture
def no_lowering(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise Broken

    lower = importlib.import_module("tilery.backends.trainium.lowering.lower")  # beside the function of the same name
    monkeypatch.setattr(lower.Lowering, "__init__", fail)


def kernel(tmp_path: Path, text: str) -> Kernel:
    path = tmp_path / "kernel.tk"
    path.write_text(text)
    return tilery.load(path).only()


@pytest.mark.usefixtures("no_lowering")
def test_a_call_lowers_nothing(tmp_path: Path) -> None:
    x = np.arange(60, dtype=np.float32)
    assert np.asarray(kernel(tmp_path, WINDOWS)(x)).tolist() == x[24:].tolist()
    assert np.asarray(kernel(tmp_path, BYTES)(np.array([[1, 5], [3, -4]], np.int8))).tolist() == [3, 5]


@pytest.mark.usefixtures("no_lowering")
@pytest.mark.parametrize("way", [[], ["--high-precision"], ["--fast-accumulate"], ["--stochastic", "1"], ["--set", "TK=64"]])
def test_run_lowers_nothing(tmp_path: Path, way: list[str]) -> None:
    path = kernel(tmp_path, PRECISION).path
    outcome = CliRunner().invoke(main, ["run", str(path), "M=70", "K=300", "N=50", "T=f32", "--json", *way])
    assert outcome.exit_code == 0, outcome.output
    said = json.loads(outcome.stdout)
    assert said["origin"] == "emulator"
    assert said["config"]["k"] == (64 if way == ["--set", "TK=64"] else 128)
    assert CliRunner().invoke(main, ["run", str(path), "M=70", "K=300", "N=50", "T=f32", *way]).exit_code == 0
