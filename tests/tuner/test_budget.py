"""A budget bounds the whole command, on kernels with more choices than anybody can list; Ctrl-C keeps what was found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tilery.tuner.results.store import TunedFile

HEAVY = Path(__file__).parent / "heavy"
BEYOND_S = 2.0
"""What may be worked beyond the budget: a second that is promised, and one for slow machines."""
MOST_BYTES = 500 << 20
SHAPES = {
    "big": ["M=4096", "N=4096"],
    "attention_backward": ["H=8", "S=2048", "L=2048", "D=128"],
    "gated": ["M=2048", "K=2048", "N=4096"],
    "wide": ["M=2048", "N=2048"],
}


def command(name: str, folder: Path, *options: str, file: Path | None = None) -> subprocess.Popen[str]:
    """A tuning that writes into `folder`."""
    words = ["autotune", str(file or HEAVY / f"{name}.tk"), *SHAPES[name], "--output", str(folder / "x.json"), *options]
    with (folder / "out").open("w") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "tilery", *words],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


def _peak_bytes(process: int) -> int:
    """The most memory that a process has held so far; 0 once it has ended."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next((int(each.split()[1]) << 10 for each in lines if each.startswith("VmHWM")), 0)


@pytest.mark.parametrize(
    ("name", "budget_s", "options"),
    [("big", 2, []), ("attention_backward", 2, ["--objective", "latency,energy"]), ("gated", 6, ["--measure", "echo 5"])],
)
def test_a_heavy_kernel_keeps_to_its_budget(name: str, budget_s: int, options: list[str], tmp_path: Path) -> None:
    """It took 152 s and 4.5 GB. Work is counted, not the clock: what else the machine does is not this command's doing."""
    running = command(name, tmp_path, "--budget", f"{budget_s}s", "--json", *options)
    peak_bytes = 0
    while (ended := os.wait4(running.pid, os.WNOHANG))[0] == 0:
        # Not `ru_maxrss`: it counts what the process was before it became the command, a copy of the one that runs the tests.
        peak_bytes = _peak_bytes(running.pid) or peak_bytes
        time.sleep(0.02)
    _, status, used = ended
    running.returncode = os.waitstatus_to_exitcode(status)
    _, err = running.communicate()
    assert running.returncode == 0, err
    assert used.ru_utime + used.ru_stime < budget_s + BEYOND_S
    assert 20 << 20 < peak_bytes < MOST_BYTES
    found = json.loads((tmp_path / "out").read_text())
    assert found["stop"] != "proved" or found["screened"] == found["space"]
    assert 1 <= found["structures_screened"] <= found["structures"]
    assert found["config"] == TunedFile(tmp_path / "x.json").read()[0].config


@pytest.mark.parametrize("options", [[], ["--measure", "echo 5"], ["--objective", "latency,energy"]])
def test_what_takes_longer_than_the_budget_to_set_up_is_told(options: list[str], tmp_path: Path) -> None:
    """Four hundred knobs: to find them, and a configuration to start from, takes some seconds."""
    rows = range(100)
    arguments, results = (", ".join(f"{name}{row}: T[M, N]" for row in rows) for name in "xy")
    body = "".join(
        f"        y{row}[m, n] = exp(x{row}[m, n] + x{(7 * row + 3) % 100}[m, n] * x{row // 2}[m, n])\n" for row in rows
    )
    (tmp_path / "wider.tk").write_text(f"kernel wide({arguments}) -> ({results}):\n    tile m of M, n of N:\n{body}")
    running = command("wide", tmp_path, "--budget", "0.3s", *options, file=tmp_path / "wider.tk")
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    _, err = running.communicate()
    assert used.ru_utime + used.ru_stime < 0.3 + BEYOND_S
    assert running.returncode == 1
    assert "the time was up before the search could begin" in err
    assert "give it a longer --budget" in err
    assert "Traceback" not in err
    assert not (tmp_path / "x.json").exists()


def test_an_interrupt_before_there_is_a_command_leaves_a_word() -> None:
    text = """
import os, signal, sys
import tilery.__main__ as program
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "tilery.command.cli":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Slow())
program.run()
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize(
    ("stage", "number", "options"),
    [
        ("preparing", signal.SIGINT, []),
        ("screening", signal.SIGTERM, []),
        ("searching", signal.SIGINT, []),
        ("searching", signal.SIGTERM, ["--objective", "latency,energy"]),
        ("measuring", signal.SIGINT, ["--measure", "sh -c 'sleep 0.1; echo 5'"]),
    ],
)
def test_an_interrupt_keeps_what_was_found(stage: str, number: signal.Signals, options: list[str], tmp_path: Path) -> None:
    running = command("attention_backward", tmp_path, "--budget", "30s", *options)
    assert running.stderr
    before = ""
    while stage not in before:
        line = running.stderr.readline()
        assert line, f"it ended before its stage of {stage}: {before}"
        before += line
    running.send_signal(number)
    _, after = running.communicate(timeout=60)
    assert running.returncode == 130, after
    assert "Traceback" not in after
    if stage == "preparing":
        assert "nothing was written" in after
        assert not (tmp_path / "x.json").exists()
    else:
        assert len(TunedFile(tmp_path / "x.json").read()) == 1, after
        assert "written to" in (tmp_path / "out").read_text()
