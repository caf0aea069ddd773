"""A short torture, and that a torture sees what is wrong."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .page import as_json, fault_text, keep, table
from .runner import Found, Torture
from .seen import Ended, complaints
from .torment import ROOT, Fault, Torment
from .torments import TORMENTS

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="watches its processes by Linux's /proc")

SECONDS = 5.0
"""For each half of the torments."""
ALL = list(TORMENTS.values())
HALVES = [ALL[::2], ALL[1::2]]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))  # workers are processes that import this package


@pytest.mark.parametrize("half", [0, 1])
def test_nothing_promised_is_broken(half: int) -> None:
    run = Torture(HALVES[half], seed=20261124)
    run.run(SECONDS)
    assert not run.faults, "\n\n".join(map(fault_text, run.faults))
    assert all(each.rounds for each in run.tallies.values())


LEFT = "import time; time.sleep(77)  # of {}"
"""What a round leaves behind, with the id of the process that leads."""


def faulty(choose: random.Random, folder: Path) -> None:
    if choose.random() < 0.5:
        raise Fault("made up", {"seen.txt": "what was seen"})


def crashing(choose: random.Random, folder: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def slow(choose: random.Random, folder: Path) -> None:
    time.sleep(60)


def deaf(choose: random.Random, folder: Path) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    time.sleep(60)


def leaving(choose: random.Random, folder: Path) -> None:
    subprocess.Popen([sys.executable, "-c", LEFT.format(os.getppid())])
    os.abort()


def tried(torment: Torment, rounds: int = 1, seed: int = 0) -> Torture:
    run = Torture([torment], seed, rounds=range(rounds))
    run.run(60)
    return run


def test_a_fault_is_told_with_what_shows_it_again(tmp_path: Path) -> None:
    run = tried(Torment("made-up", "fails every second time", faulty), 20)
    (tally,) = run.tallies.values()
    assert tally.rounds == 20
    assert 0 < tally.kinds["made up"] < 20
    assert len(run.faults) == 3, "of those that are alike a few are kept"
    again = tried(Torment("made-up", "fails every second time", faulty), 20)
    assert [each.number for each in again.faults] == [each.number for each in run.faults]
    assert run.faults[0].command == f"python -m tests.torture --seed 0 --only made-up --round {run.faults[0].number}"
    keep(run.faults[0], 0, tmp_path)
    assert (tmp_path / f"made-up-0-{run.faults[0].number}" / "seen.txt").read_text() == "what was seen"
    assert "fails every second time" in table(run)
    assert '"made up": ' in as_json(run)


def test_a_fault_is_kept_before_the_run_ends(tmp_path: Path) -> None:
    found: list[Found] = []

    def met(fault: Found) -> None:
        found.append(fault)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Torture([Torment("made-up", "fails every second time", faulty)], 0, rounds=range(100), met=met).run(60)
    assert [each.torment for each in found] == ["made-up"]


def test_a_process_that_dies_is_a_fault_and_leaves_no_other() -> None:
    (fault,) = tried(Torment("crash", "dies", crashing)).faults
    assert "SIGSEGV" in fault.problem
    (fault,) = tried(Torment("leave", "dies and leaves a process", leaving)).faults
    assert "SIGABRT" in fault.problem
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert LEFT.format(os.getpid()) not in each.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue


def test_a_round_that_takes_too_long_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.torture.crew.busy", lambda: 2.0)
    (fault,) = tried(Torment("slow", "sleeps", slow, limit_s=0.2)).faults
    assert fault.problem.startswith("took longer than 0.4 s")
    assert "in slow" in fault.problem, "and says where"
    monkeypatch.setattr("tests.torture.crew.GRACE_S", 0.5)
    (fault,) = tried(Torment("deaf", "sleeps and hears nothing", deaf, limit_s=0.2)).faults
    assert "hangs" in fault.problem


def test_controls_are_complained_of_but_in_a_difference() -> None:
    """A difference may be read by `patch`, and stays as the files are where no terminal is."""
    assert any("terminal obeys" in each for each in complaints(Ended(("fmt", "x.tk"), 1, "a\rb", "")))
    assert not complaints(Ended(("fmt", "--diff", "x.tk"), 1, "a\rb", ""))
    assert any("terminal obeys" in each for each in complaints(Ended(("fmt", "--diff", "x.tk"), 1, "", "a\rb")))
