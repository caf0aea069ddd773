"""The command line: what each command prints, its exit codes, and one clear message for every mistake."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tilery.command.cli import main
from tilery.library import load

KERNELS = Path(__file__).parents[2] / "kernels"
SHAPE = ["M=256", "K=192", "N=320", "T=bf16"]
LARGE = ["M=8192", "K=8192", "N=8192"]


@pytest.fixture
def matmul(tmp_path: Path) -> Path:
    path = tmp_path / "matmul.tk"
    path.write_text((KERNELS / "matmul.tk").read_text())
    return path


def tilery(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], env={"COLUMNS": "100"})


def fine(*words: object) -> str:
    result = tilery(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def fails(code: int, *words: object) -> str:
    result = tilery(*words)
    assert "Traceback" not in result.output
    assert "internal error" not in result.output
    assert result.exit_code == code, result.output
    return result.stderr


@pytest.mark.parametrize("command", ["check", "run", "simulate", "explain", "autotune", "compare", "show", "chips"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    assert f"tilery {command}" in fine(command, "--help").split("Example:")[1]


def test_check_says_what_a_file_holds(matmul: Path) -> None:
    assert "kernel matmul: C = A B" in fine("check", matmul)
    (held,) = json.loads(fine("check", matmul, "--json"))["kernels"]
    assert held["dimensions"] == ["M", "K", "N"]


def test_check_reports_the_mistakes_of_all_files(tmp_path: Path, matmul: Path) -> None:
    wrong = tmp_path / "wrong.tk"
    wrong.write_text(matmul.read_text().replace("tile m of M", "tyle m of M"))
    other = tmp_path / "other.tk"
    other.write_text(matmul.read_text().replace("b[k, n]", "b[k, x]"))
    told = fails(1, "check", wrong, matmul, other)
    assert "wrong.tk:5:5" in told
    assert "tyle m of M" in told
    assert "^" in told
    assert "other.tk:8:" in told


def test_run_compares_with_the_reference(matmul: Path) -> None:
    assert "right: largest error" in fine("run", matmul, *SHAPE)
    result = json.loads(fine("run", matmul, *SHAPE, "--exact", "--set", "m=128", "--json"))
    assert result["ok"] is True
    assert result["exact"] is True
    assert result["max_error"] <= result["tolerance"]
    assert result["config"]["m"] == 128


def test_run_takes_scalars_and_constants() -> None:
    words = ["run", KERNELS / "attention.tk", "H=2", "S=40", "L=56", "D=16", "T=f32", "scale=0.25", "causal=false", "--json"]
    result = json.loads(fine(*words))
    assert result["ok"] is True
    assert result["constants"] == {"causal": False}


def test_simulate_prints_what_a_person_needs(matmul: Path) -> None:
    page = fine("simulate", matmul, *SHAPE)
    for word in ("latency", "bound", "peak", "tensor", "dma", "SBUF", "PSUM"):
        assert word in page
    figures = json.loads(fine("simulate", matmul, *SHAPE, "--json"))
    assert figures["latency_us"] > 0
    assert {"bound", "peak_share", "engines", "config"} <= set(figures)


def test_set_changes_the_prediction(matmul: Path) -> None:
    small, large = (json.loads(fine("simulate", matmul, *SHAPE, "--set", f"m={m}", "--json")) for m in (128, 256))
    assert small["latency_us"] != large["latency_us"]


def test_explain_gives_reasons_and_counts(matmul: Path) -> None:
    page = fine("explain", matmul, *SHAPE)
    assert "partitions of trn2" in page
    data = json.loads(fine("explain", matmul, *LARGE, "--json"))
    assert data["feasible"] + sum(data["ruled_out"].values()) == data["screened"]
    assert data["ruled_out"]["sbuf"] > 0
    assert {each["name"] for each in data["tunables"]} >= {"m", "n", "k"}


def test_autotune_writes_what_simulate_then_finds(matmul: Path) -> None:
    # A long path is broken over lines anywhere, so blanks do not count.
    page = "".join(fine("autotune", matmul, *SHAPE, "--trials", 30).split())
    for word in ("latency", "ofpeak", "default", "error", "tilesizes", "knobs", "ruledout", "matmul.tuned.json"):
        assert word in page
    (entry,) = json.loads((matmul.parent / "matmul.tuned.json").read_text())["entries"]
    figures = json.loads(fine("simulate", matmul, *SHAPE, "--json"))
    assert figures["latency_us"] == entry["latency_us"]
    assert figures["origin"] == "tuned"
    assert figures["config"] == entry["config"]


def test_autotune_speaks_json_and_writes_elsewhere(matmul: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.json"
    result = json.loads(fine("autotune", matmul, *SHAPE, "--trials", 5, "--output", output, "--json"))
    assert result["latency_us"] <= result["default_latency_us"]
    assert output.exists()
    assert not (matmul.parent / "matmul.tuned.json").exists()
    assert json.loads(fine("simulate", matmul, *SHAPE, "--tuned", output, "--json"))["latency_us"] == result["latency_us"]


@pytest.mark.parametrize(
    "stage",
    ["source", "checked", "program", "inline", "vocabulary", "share", "hoist", "repeat", "early", "prune", "edges", "engine"],
)
def test_show_prints_every_stage(matmul: Path, stage: str) -> None:
    assert stage in fine("show", matmul)
    assert "matmul" in fine("show", matmul, *SHAPE, "--stage", stage)


def test_chips_have_numbers_and_sources() -> None:
    assert "trn1" in fine("chips")
    page = fine("chips", "trn2")
    assert "bytes_per_partition" in page
    assert "NeuronCore" in page
    assert {each["name"] for each in json.loads(fine("chips", "--json"))} >= {"trn1", "trn2"}


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (2, ["simulate", "nowhere.tk", "M=1"], "cannot read nowhere.tk: No such file or directory"),
        (2, ["simulate", "{matmul}", "M=256", "K=192"], "matmul needs dimension N\nhelp: say, for example, M=256 K=192 N=1024"),
        (2, ["simulate", "{matmul}", *SHAPE, "Q=3"], "the kernel has nothing called `Q`; it has M, K, N, T"),
        (2, ["simulate", "{matmul}", "M"], "`M`: write NAME=VALUE"),
        (2, ["simulate", "{matmul}", *SHAPE, "--set", "mm=128"], "--set mm: did you mean `m`?"),
        (2, ["simulate", "{matmul}", *SHAPE, "--set", "m=big"], "--set m=big: the choices are"),
        (2, ["simulate", "{matmul}", *SHAPE, "--chip", "trn"], "there is no chip 'trn'"),
        (2, ["simulate", "{matmul}", *SHAPE, "--chip", "none.toml"], "cannot read the chip file none.toml"),
        (2, ["simulate", "{matmul}:matmull", *SHAPE], "has no kernel `matmull`; did you mean `matmul`?"),
        (2, ["autotune", "{matmul}", *SHAPE, "--budget", "soon"], "`soon` is no length of time"),
        (2, ["autotune", "{matmul}", *SHAPE, "--sampler", "tppe"], "there is no strategy `tppe`; did you mean `tpe`?"),
        (2, ["autotune", "{matmul}", *SHAPE, "--objective", "joy"], "there is no objective `joy`"),
        (2, ["show", "{matmul}", *SHAPE, "--stage", "x"], "there is no stage `x`; there are source"),
        (2, ["simulate"], "Missing argument 'FILE[:KERNEL]'"),
        (2, ["simluate", "{matmul}"], "No such command 'simluate'"),
        (
            1,
            ["simulate", "{matmul}", "M=8192", "K=8192", "N=8192", "--set", "m=8192", "--set", "n=8192"],
            "this configuration needs",
        ),
    ],
)
def test_a_mistake_is_one_clear_message(matmul: Path, code: int, words: list[str], says: str) -> None:
    told = fails(code, *(word.replace("{matmul}", str(matmul)) for word in words))
    assert says in told


def test_a_damaged_results_file_is_told_before_the_search_and_kept(matmul: Path) -> None:
    results = matmul.parent / "matmul.tuned.json"
    results.write_text('{"format": 1, "entries": [')
    for command in ("simulate", "autotune"):
        told = fails(1, command, matmul, *SHAPE)
        assert "matmul.tuned.json: damaged" in told
        assert "help: " in told
    assert results.read_text() == '{"format": 1, "entries": ['


def test_a_results_file_that_cannot_be_written_costs_no_result(matmul: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(descriptor: int) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.fsync", read_only)
    result = tilery("autotune", matmul, *SHAPE, "--trials", 3)
    assert result.exit_code == 1
    assert "--output FILE" in result.stderr
    assert "tile sizes" in result.stdout


def test_our_own_bug_asks_for_a_report(matmul: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilery.dsl.load", lambda *_: 1 / 0)
    quiet, loud = tilery("check", matmul), tilery("check", matmul, "--debug")
    assert quiet.exit_code == loud.exit_code == 1
    assert "This is a bug in tilery" in quiet.stderr
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr


def test_the_installed_command_ends_quietly_when_its_reader_has_gone() -> None:
    done = subprocess.run(
        f"{sys.executable} -m tilery chips trn2 | head -1", shell=True, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run([sys.executable, "-m", "tilery", "simulate"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Missing argument" in done.stderr


def test_what_if_changes_the_chip_of_a_prediction(matmul: Path) -> None:
    words = ["simulate", matmul, *SHAPE, "--json"]
    slow, usual = (json.loads(fine(*words, *more)) for more in (["--what-if", "dma.bytes_per_s=/4"], []))
    assert slow["latency_us"] > usual["latency_us"]
    assert slow["chip"] == "trn2 with dma.bytes_per_s=/4"
    told = fails(2, *words, "--what-if", "dma.bytes=/4")
    assert "--what-if dma.bytes: there is no such field" in told


def test_tuning_for_a_changed_chip_is_kept_apart(matmul: Path) -> None:
    changed = ["--what-if", "sbuf.bytes_per_partition=/8"]
    fine("autotune", matmul, *SHAPE, "--trials", 3, *changed)
    assert json.loads(fine("simulate", matmul, *SHAPE, "--json", *changed))["origin"] == "tuned"
    assert json.loads(fine("simulate", matmul, *SHAPE, "--json"))["origin"] != "tuned"


def test_suggested_commands_are_quoted_for_the_shell(tmp_path: Path) -> None:
    folder = tmp_path / "my kernels; echo $HOME"
    folder.mkdir()
    path = folder / "matmul.tk"
    path.write_text((KERNELS / "matmul.tk").read_text())
    chip = folder / "mine.toml"
    chip.write_text((Path(__file__).parents[2] / "backends/trainium/chips/trn2.toml").read_text())
    words = ["M=64", "K=64", "N=64", "--chip", chip, "--what-if", "dma.bytes_per_s=*2"]
    dims = {"M": 64, "K": 64, "N": 64}
    suggested = load(path).matmul.pipeline(dims, str(chip), what_if=[str(words[-1])]).tuning_command
    tuned = fine("autotune", path, *words, "--trials", 3)
    following = next(line for line in tuned.splitlines() if line.startswith("next "))
    for command in (suggested, following.removeprefix("next").strip()):
        program, _, target, *rest = shlex.split(command)
        assert (program, target.removesuffix(":matmul")) == ("tilery", str(path))
        assert str(chip) in rest
        assert "dma.bytes_per_s=*2" in rest
