"""`tilery freeze`: the copy says its own tile sizes, and is the same kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import tilery
from tilery.command.cli import main
from tilery.dsl import parse
from tilery.freezing import frozen

KERNELS = Path(__file__).parents[2] / "kernels"
SHAPE = ["M=256", "K=512", "N=1024"]

TEXT = """kernel split(a: T[M, K], b: T[K, N]) -> c: f32[M, N]:
    tune part in {512, 1024} = 512  # how far a step reaches
    tile m of M by 64..256,  n of N:  # as it was
        acc = zeros[m, n]
        for p of K by part:
            if part == 512:
                for k of p by {64, 128}:
                    acc += a[m, k] @ b[k, n]
            else:
                for k of p by {64, 128}:
                    acc += a[m, k] @ b[k, n]
        c[m, n] = acc
"""


def invoked(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], env={"COLUMNS": "100"})


def test_sizes_are_written_in_and_the_rest_stays() -> None:
    text = frozen(parse(TEXT).kernels["split"], {"part": 1024, "m": 128, "n": 512, "k": 64, "buffers.a": 3})
    assert "    tune part in {1024}  # how far a step reaches\n" in text
    assert "    tile m of M by 128,  n of N by 512:  # as it was\n" in text
    assert text.count("                for k of p by 64:\n") == 2
    assert "        for p of K by part:\n" in text
    assert parse(text).kernels["split"]


def test_the_copy_checks_runs_and_simulates_the_same(tmp_path: Path) -> None:
    copy, sets = tmp_path / "frozen.tk", ["--set", "m=128", "--set", "n=512", "--set", "buffers.a=3"]
    done = invoked("freeze", KERNELS / "matmul.tk", *SHAPE, *sets, "-o", copy)
    assert done.exit_code == 0, done.output
    assert "tile m of M by 128, n of N by 512:" in copy.read_text()
    original, same = (
        json.loads(invoked("simulate", *words, "--json").stdout)
        for words in ([KERNELS / "matmul.tk", *SHAPE, *sets], [copy, *SHAPE])
    )
    assert same["latency_us"] == original["latency_us"]
    assert tilery.load(copy).matmul.pipeline({"M": 256, "K": 512, "N": 1024}).chosen.origin == "tuned"
    assert invoked("check", copy).exit_code == 0
    assert invoked("run", copy, *SHAPE).exit_code == 0


def test_without_a_file_it_prints() -> None:
    done = invoked("freeze", KERNELS / "matmul.tk", *SHAPE)
    assert "for k of K by " in done.stdout
    assert "note: no tuned entry" in done.stderr


@pytest.mark.parametrize("output", ["matmul.tk", "missing/matmul.tk"])
def test_what_cannot_be_written_is_said(tmp_path: Path, output: str) -> None:
    source = tmp_path / "matmul.tk"
    source.write_text((KERNELS / "matmul.tk").read_text())
    done = invoked("freeze", source, *SHAPE, "-o", tmp_path / output)
    assert done.exit_code == 2, done.output
    assert ("is the kernel itself" in done.stderr) or ("cannot write" in done.stderr)
