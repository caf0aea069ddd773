"""`tilery autotune --measure`: a command of the user's in place of the model, from the command line to the tuned entry."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import tilery
from tilery.backends.tunable import Choice
from tilery.command.cli import main
from tilery.tuner.results.store import TunedFile

ROOT = Path(__file__).parents[2]
SHAPE = ["M=256", "N=512", "T=bf16"]

BENCH = f"""#!{sys.executable}
import json, os, sys, time
given = json.load(sys.stdin)
with open("{{folder}}/seen", "a") as file:
    file.write(json.dumps(given) + "\\n")
count = len(open("{{folder}}/seen").readlines())
if count == {{slow}}:
    open("{{folder}}/pid", "w").write(str(os.getpid()))
    time.sleep(60)
if given["config"]["m"] == 64:
    sys.exit("does not compile")
print(10_000 / given["config"]["m"] + 0.001 * count)
"""


@pytest.fixture
def softmax(tmp_path: Path) -> Path:
    path = tmp_path / "softmax.tk"
    path.write_text((ROOT / "kernels/softmax.tk").read_text())
    return path


def bench(folder: Path, slow: int = 0) -> str:
    path = folder / "bench.py"
    path.write_text(BENCH.format(folder=folder, slow=slow))
    path.chmod(0o755)
    return str(path)


def invoked(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], env={"COLUMNS": "110"})


def test_the_command_decides_and_the_entry_says_so(softmax: Path, tmp_path: Path) -> None:
    command = bench(tmp_path)
    result = invoked("autotune", softmax, *SHAPE, "--measure", command, "--trials", 12)
    assert result.exit_code == 0, result.output
    for words in ("measured; predicted", "rank correlation", "measured by", "12 of"):
        assert words in result.stdout
    (entry,) = TunedFile.beside(softmax).read()
    assert entry.objective == "measured"
    assert entry.measured and entry.measured.command == command
    assert entry.measured.latency_us < 10_000 / int(entry.config["m"]) + 1
    assert entry.measured.count + entry.measured.failed == entry.evaluated == 12
    assert entry.latency_us == tilery.load(softmax).softmax.simulate(M=256, N=512).latency_us, "predicted stays predicted"

    seen = [json.loads(line) for line in (tmp_path / "seen").read_text().splitlines()]
    assert len({json.dumps(each["config"]) for each in seen}) == 12
    first = seen[0]
    assert (first["kernel"], first["chip"], first["file"]) == ("softmax", "trn2", str(softmax))
    assert (first["dims"], first["types"]) == ({"M": 256, "N": 512}, {"T": "bf16"})
    assert "measured" in invoked("tuned", tmp_path).stdout


def test_a_command_that_never_works_is_told_with_its_reasons(softmax: Path) -> None:
    result = invoked("autotune", softmax, *SHAPE, "--measure", "false", "--trials", 3)
    assert result.exit_code == 1
    assert "none of 3 configurations gave a latency:\n  3x exit code 1" in result.stderr
    assert not TunedFile.beside(softmax).path.exists()


def test_a_command_that_is_not_there_is_told_at_once(softmax: Path) -> None:
    result = invoked("autotune", softmax, *SHAPE, "--measure", "./nowhere.sh")
    assert result.exit_code == 2
    assert "cannot run `./nowhere.sh`: there is no such command" in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--measure-timeout", "5s"], "a command of --measure"),
        (["--measure", "true", "--objective", "energy"], "what is measured is latency"),
        (["--measure", "true", "--sampler", "surogate"], "did you mean `surrogate`"),
    ],
)
def test_options_that_do_not_go_together_are_told(softmax: Path, words: list[str], told: str) -> None:
    result = invoked("autotune", softmax, *SHAPE, *words)
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_and_keeps_what_was_found(softmax: Path, tmp_path: Path, number: signal.Signals) -> None:
    words = ["autotune", str(softmax), *SHAPE, "--measure", bench(tmp_path, slow=4), "--budget", "100s", "--json"]
    with subprocess.Popen([sys.executable, "-m", "tilery", *words], stdout=subprocess.PIPE, text=True) as process:
        pid = waited_for(tmp_path / "pid")
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    found = json.loads(out)
    assert (found["stop"], found["evaluated"]) == ("interrupted", 3)
    (entry,) = TunedFile.beside(softmax).read()
    assert entry.config == found["config"]


def waited_for(path: Path) -> str:
    for _ in range(600):
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.1)
    raise AssertionError(f"{path} did not come")


def test_a_function_of_python_measures_too(softmax: Path) -> None:
    asked: list[Mapping[str, Choice]] = []

    def measure(config: Mapping[str, Choice]) -> float:
        asked.append(config)
        return 1000 / int(config["m"])

    kernel = tilery.load(softmax).softmax
    result = tilery.autotune(kernel, shapes={"M": 256, "N": 512}, measure=measure, budget="6 trials")
    assert len(asked) == 6
    assert result.measured and result.measured.command == "function measure"
    assert result.measured.latency_us == min(1000 / int(each["m"]) for each in asked)


def test_the_example_of_the_tutorial_works(softmax: Path) -> None:
    command = f"{sys.executable} {ROOT / 'examples/bench.py'}"
    result = invoked("autotune", softmax, *SHAPE, "--measure", command, "--measure-timeout", "60s", "--trials", 3, "--json")
    assert result.exit_code == 0, result.output
    measured = json.loads(result.stdout)["measured"]
    assert measured["count"] == 3
    assert all(each["latency_us"] < 1.3 * each["measured_us"] for each in measured["best"]), "slower than the model says"


def test_the_frozen_copy_has_the_tile_sizes(softmax: Path, tmp_path: Path) -> None:
    (tmp_path / "bench.sh").write_text(
        f"#!/bin/sh\n{sys.executable} -c 'import json, sys; print(open(json.load(sys.stdin)[\"frozen\"]).read())' "
        f">> {tmp_path}/frozen; echo 5"
    )
    (tmp_path / "bench.sh").chmod(0o755)
    result = invoked("autotune", softmax, *SHAPE, "--measure", tmp_path / "bench.sh", "--trials", 1, "--json")
    assert result.exit_code == 0, result.output
    config = json.loads(result.stdout)["config"]
    assert f"m of M by {config['m']}" in (tmp_path / "frozen").read_text()
