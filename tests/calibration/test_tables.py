"""Tables that no calibration can use, and chip files it cannot write to: one clear message each, with the line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tilery.command.calibrating.chip_text import with_numbers
from tilery.command.cli import main
from tilery.dsl.errors import UsageError

SOFTMAX = Path(__file__).parents[2] / "kernels" / "softmax.tk"
HEAD = "kernel,shape,configuration,microseconds\n"
FINE = f"{SOFTMAX},M=256 N=512,m=128,6.0\n"


def calibrated(folder: Path, text: str | bytes, *words: str, chip: str = "trn2", output: str = "mine.toml") -> Result:
    path = folder / "measured.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CliRunner().invoke(main, ["calibrate", chip, str(path), "-o", str(folder / output), *words])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no column `kernel`; the first line is to be kernel,shape,configuration,microseconds"),
        ("kernel,shape,configuration,us\n", "there is no column `microseconds`"),
        (HEAD, "0 measurements: at least 6 are needed"),
        (HEAD + 5 * FINE, "5 measurements: at least 6 are needed"),
        (HEAD + f"{SOFTMAX},M=256 N=512,m=128\n", "measured.csv:2: it has not as many fields as the first line"),
        (HEAD + f"{SOFTMAX},M=256,N=512,m=128,6.0\n", "measured.csv:2: it has not as many fields as the first line"),
        (HEAD + FINE + FINE.replace("6.0", "soon"), "measured.csv:3: microseconds is `soon`; a number over 0 is expected"),
        (HEAD + FINE.replace("6.0", "-1"), "microseconds is `-1`; a number over 0 is expected"),
        (HEAD + FINE.replace("6.0", "inf"), "microseconds is `inf`; a number over 0 is expected"),
        (HEAD + "nowhere.tk,M=1,,1.0\n", "measured.csv:2: "),
        (HEAD + ",M=1,,1.0\n", "measured.csv:2: kernel is empty; write FILE.tk or FILE.tk:KERNEL"),
        (HEAD + FINE.replace("M=256", "M"), "measured.csv:2: `M`: write NAME=VALUE"),
        (HEAD + FINE.replace(" N=512", ""), "measured.csv:2: "),
        (HEAD + FINE.replace("m=128", "z=128"), "measured.csv:2: --set z"),
        (HEAD + FINE.replace("N=512", "N=1000000"), "measured.csv:2: this configuration does not run on trn2"),
        (b"\xff\xfe\x00", "it is not written in UTF-8"),
    ],
)
def test_a_bad_table_names_its_line(tmp_path: Path, text: str | bytes, says: str) -> None:
    done = calibrated(tmp_path, text)
    assert done.exit_code == 1, done.output
    assert says in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "mine.toml").exists()


def test_a_kernel_that_the_chip_cannot_run_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "k.tk").write_text(
        "kernel f(x: i32[M, K], y: i32[K, N]) -> z: i32[M, N]:\n    tile m of M:\n        z[m, N] = x[m, 0] + y[0, N]\n"
    )
    done = calibrated(tmp_path, HEAD + "k.tk,M=128 K=128,,1.0\n")
    assert done.exit_code == 1
    assert "measured.csv:2: " in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--move", "dma.flor_ns"], "--move dma.flor_ns: did you mean `dma.floor_ns`"),
        (["--factor", "1"], "--factor 1: a number over 1 is expected"),
        (["--factor", "nan"], "--factor nan: a number over 1 is expected"),
    ],
)
def test_a_bad_option_is_told(tmp_path: Path, words: list[str], says: str) -> None:
    done = calibrated(tmp_path, HEAD + 6 * FINE, *words)
    assert done.exit_code == 2
    assert says in done.stderr


def test_what_the_chip_does_not_say_cannot_be_fitted(tmp_path: Path) -> None:
    done = calibrated(tmp_path, HEAD + 6 * FINE, "--launch", chip="trn1")
    assert done.exit_code == 2 and "nothing is published of what starting a kernel takes on trn1" in done.stderr
    done = calibrated(tmp_path, HEAD + 6 * FINE, output="mine.txt")
    assert done.exit_code == 2 and "a chip file's name ends in .toml" in done.stderr
    done = calibrated(tmp_path, HEAD + 6 * FINE, chip="trn9")
    assert done.exit_code == 2 and "there is no chip 'trn9'" in done.stderr


TEXT = '''# mine
[dma]  # transfers
floor_ns = 500  # fitted
latency_ns = 3_20.0
assumed = ["floor_ns", "latency_ns"]  # of another
source = """a, \\
   "b" """

[vector]
fixed_cycles = 60
source = "c"
'''


def test_numbers_change_and_comments_stay() -> None:
    made = with_numbers(TEXT, {"dma.floor_ns": 612.3456, "vector.fixed_cycles": 71}, 'told by "me"', "mine.toml")
    assert (
        '# mine\n[dma]  # transfers\nfloor_ns = 612.3  # fitted\nlatency_ns = 3_20.0\nassumed = ["latency_ns"]  # of another\n'
        in made
    )
    new = tomllib.loads(made)
    assert new["dma"].pop("assumed") == ["latency_ns"]
    assert new["dma"] == {"floor_ns": 612.3, "latency_ns": 320.0, "source": 'a, "b" ; floor_ns told by "me"'}
    assert new["vector"] == {"fixed_cycles": 71, "source": 'c; fixed_cycles told by "me"'}


@pytest.mark.parametrize(
    "text",
    ['dma.floor_ns = 5\ndma.source = "x"\n', 'dma = { floor_ns = 5, source = "x" }\n', "[dma]\nfloor_ns = 5\nsource = 'x'\n"],
)
def test_a_file_that_is_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write each table as"):
        with_numbers(text, {"dma.floor_ns": 6.0}, "told", "mine.toml")
