"""Sizes beyond what a machine or a language holds are refused before anything is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tilery.backends import memory
from tilery.command.cli import main
from tilery.library import load

KERNELS = Path(__file__).parents[2] / "kernels"
HALVES = """
kernel halves(x: T[N, P]) -> y: T[N, P]:
    require N % 96 == 0 and P >= 2000, "whole groups"
    tile n of N:
        y[n, P] = x[n, P] / 2
"""


def told(code: int, *words: object) -> str:
    result = CliRunner().invoke(main, [str(each) for each in words])
    assert result.exit_code == code, result.output
    return result.stderr


@pytest.mark.parametrize("command", ["run", "simulate", "explain", "autotune", "compare"])
@pytest.mark.parametrize("extent", [10**19, 2**31, "9" * 5000, "-1", "1e9", "nan"])
def test_a_dimension_has_a_size(command: str, extent: object) -> None:
    text = told(2, command, KERNELS / "softmax.tk", f"M={extent}", "N=64")
    assert "error: M=" in text
    assert len(text) < 300


def test_without_elements_a_run_is_empty_and_a_chip_has_nothing_to_do() -> None:
    result = CliRunner().invoke(main, ["run", str(KERNELS / "softmax.tk"), "M=0", "N=64"])
    assert result.exit_code == 0, result.output
    for command in ("simulate", "explain", "autotune", "compare"):
        text = told(2, command, KERNELS / "softmax.tk", "M=0", "N=64")
        assert "`M` is 0, and a chip has nothing to do" in text


def test_a_run_beyond_the_memory_of_the_machine_is_refused() -> None:
    text = told(2, "run", KERNELS / "softmax.tk", "M=2000000000", "N=2000000000")
    assert "this takes at least" in text and "has 4,000,000,000,000,000,000 elements" in text


def test_the_least_is_what_is_held() -> None:
    pipeline = load(KERNELS / "matmul.tk").matmul.pipeline({"M": 10, "K": 20, "N": 30}, "trn2")
    kernel, dims = pipeline.program, pipeline.dims
    # bf16 a and b, and while b is drawn two bytes more of each of its elements; c in bf16 is less.
    assert memory.least_bytes(kernel, dims, compared=False) == 2 * (200 + 600) + 2 * 600
    assert memory.least_bytes(kernel, dims, compared=True) == 2 * (200 + 600) + 300 * (2 + 8)


def test_suggested_sizes_are_ones_that_the_kernel_allows(tmp_path: Path) -> None:
    path = tmp_path / "halves.tk"
    path.write_text(HALVES)
    suggestion = told(2, "run", path, "T=f32").split("say, for example, ")[1].split()
    assert CliRunner().invoke(main, ["simulate", str(path), "T=f32", *suggestion]).exit_code == 0
    assert "P=2" in " ".join(suggestion)
    assert "`N % 96 == 0`, and N = 100: whole groups" in told(2, "run", path, "N=100", "P=4000")
