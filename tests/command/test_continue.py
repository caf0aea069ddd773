"""`--continue`: from a storage, from a tuned entry, and the command that every unfinished run prints."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

import optuna
import pytest
from click.testing import CliRunner, Result
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

import tilery
from tilery.backends.tunable import Choice
from tilery.command.cli import main
from tilery.command.together.continuing import doubled
from tilery.tuner.results.store import TunedFile

SHAPE = ["M=256", "N=512", "T=bf16"]


@pytest.fixture
def softmax(tmp_path: Path) -> Path:
    path = tmp_path / "softmax.tk"
    path.write_text((Path(__file__).parents[2] / "kernels/softmax.tk").read_text())
    return path


def invoked(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def printed(result: Result) -> list[str]:
    """The command that goes on."""
    (line,) = [each for each in result.stdout.splitlines() if each.startswith("to go on")]
    return shlex.split(line.removeprefix("to go on"))[1:]


def stored(path: Path) -> optuna.Study:
    storage = JournalStorage(JournalFileBackend(str(path)))
    (study,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=study, storage=storage)


def test_the_printed_command_goes_on_with_what_is_stored(softmax: Path, tmp_path: Path) -> None:
    words = ["autotune", softmax, *SHAPE, "--measure", "echo 5", "--sampler", "brute"]
    first = invoked(*words, "--trials", 3, "--storage", f"journal:{tmp_path}/study")
    assert first.exit_code == 0, first.output
    command = printed(first)
    assert command[-1] == "--continue" and "6" in command, "the storage counts the trials of all runs"
    second = invoked(*command)
    assert second.exit_code == 0, second.output
    trials = stored(tmp_path / "study").get_trials()
    assert len(trials) == 6
    assert len({tuple(each.params.items()) for each in trials}) == 6, "none of them twice"


def test_the_model_s_search_stores_its_best_and_starts_from_what_is_stored(softmax: Path, tmp_path: Path) -> None:
    storage = f"{tmp_path}/study.journal"
    first = invoked("autotune", softmax, *SHAPE, "--trials", 60, "--storage", storage, "--json")
    assert first.exit_code == 0, first.output
    best = json.loads(first.stdout)
    trials = stored(tmp_path / "study.journal").get_trials()
    assert best["config"] in [each.params for each in trials]
    assert min(each.value or 0 for each in trials) == best["latency_us"]
    # A search far too short to find that by itself, in a results file that knows nothing.
    elsewhere = ["--output", tmp_path / "other.json", "--storage", storage, "--continue", "--json"]
    second = invoked("autotune", softmax, *SHAPE, "--trials", 2, "--seed", 5, *elsewhere)
    assert second.exit_code == 0, second.output
    assert json.loads(second.stdout)["latency_us"] == best["latency_us"]


def test_jobs_share_a_search_by_the_model(softmax: Path, tmp_path: Path) -> None:
    words = ["autotune", softmax, *SHAPE, "--trials", 40, "--storage", f"journal:{tmp_path}/study", "--jobs", 2, "--json"]
    result = invoked(*words)
    assert result.exit_code == 0, result.output
    workers = {each.user_attrs["worker"] for each in stored(tmp_path / "study").get_trials()}
    assert workers
    found = json.loads(result.stdout)
    assert found["latency_us"] <= min(each.value or 0 for each in stored(tmp_path / "study").get_trials())


def test_without_a_storage_the_entry_and_its_runners_up_are_measured_again(softmax: Path) -> None:
    asked: list[Mapping[str, Choice]] = []

    def measure(config: Mapping[str, Choice]) -> float:
        asked.append(config)
        return 1000 / int(config["m"])

    kernel, shapes = tilery.load(softmax).softmax, {"M": 256, "N": 512}
    tilery.autotune(kernel, shapes=shapes, measure=measure, trials=6)
    (entry,) = TunedFile.beside(softmax).read()
    asked.clear()
    tilery.autotune(kernel, shapes=shapes, measure=measure, trials=14, resume=True)
    for each in (entry.config, *(other.config for other in entry.runners_up)):
        assert each in asked


@pytest.mark.parametrize("storage", [(), ("--storage", "journal:{folder}/study")])
def test_nothing_to_continue_is_told(softmax: Path, tmp_path: Path, storage: tuple[str, ...]) -> None:
    result = invoked("autotune", softmax, *SHAPE, "--continue", *(each.format(folder=tmp_path) for each in storage))
    assert result.exit_code == 2
    assert "nothing to continue" in result.stderr and "help: without --continue it is begun" in result.stderr


@pytest.mark.parametrize(
    ("words", "grown"),
    [
        (["--trials", "12"], ["--trials", "24"]),
        (["--trials=12"], ["--trials=24"]),
        (["--budget", "5m, 12 trials"], ["--budget", "5m, 24 trials"]),
        (["--budget=1 trial", "--seed", "12"], ["--budget=2 trials", "--seed", "12"]),
        (["--budget", "5m"], ["--budget", "5m"]),
    ],
)
def test_a_number_of_trials_grows(words: list[str], grown: list[str]) -> None:
    assert doubled(words) == grown


def test_a_function_cannot_measure_in_other_processes(softmax: Path) -> None:
    with pytest.raises(tilery.UsageError, match="for several jobs, measure with a command"):
        tilery.autotune(tilery.load(softmax).softmax, shapes={"M": 256, "N": 512}, measure=lambda config: 1.0, jobs=2)


def test_fronts_are_not_shared(softmax: Path) -> None:
    result = invoked("autotune", softmax, *SHAPE, "--objective", "latency,energy", "--jobs", 2, "--trials", 3)
    assert result.exit_code == 2
    assert "cannot be shared yet" in result.stderr
