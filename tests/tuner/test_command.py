"""A command that measures: what is taken for a latency, and how every other end of it is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tilery.dsl.errors import UsageError
from tilery.tuner.measured.command import Command, MeasurementFailed
from tilery.tuner.measured.guarding import guarded

CONFIG: dict[str, int | str] = {"m": 128, "order": "m n"}


def command(script: str, timeout_s: float | None = 20.0) -> Command:
    return Command(f"sh -c '{script}'", lambda config, folder: {"config": dict(config), "frozen": str(folder)}, timeout_s)


@pytest.mark.parametrize(
    "printed", ["12.5", "1.25e1", "warming up\n12.5\n\n", '{"latency_us": 12.5, "runs": 3}', 'compiled\n{"latency_us": 12.5}']
)
def test_the_last_line_is_the_latency(printed: str, tmp_path: Path) -> None:
    (tmp_path / "printed").write_text(printed)
    assert command(f"cat {tmp_path}/printed")(CONFIG) == 12.5


def test_it_reads_the_configuration(tmp_path: Path) -> None:
    command(f"cat > {tmp_path}/given; echo 1")(CONFIG)
    given = json.loads((tmp_path / "given").read_text())
    assert given["config"] == CONFIG
    assert not Path(given["frozen"]).exists(), "the folder of its files goes with it"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "exit code 3"),
        ("echo out of memory >&2; exit 1", "exit code 1: out of memory"),
        ("kill -9 $$", "killed by SIGKILL"),
        ("true", "printed nothing; a number of microseconds"),
        ("echo fast", "printed `fast`; a number of microseconds"),
        ("echo 12.5 us", "printed `12.5 us`;"),
        ("echo -3", "above 0"),
        ("echo NaN", "above 0"),
        ("echo true", "above 0"),
        ('echo "[1]"', "above 0"),
        ('echo "{\\"error\\": \\"does not compile\\"}"', "does not compile"),
    ],
)
def test_everything_else_is_a_reason(script: str, reason: str) -> None:
    with pytest.raises(MeasurementFailed) as failure:
        command(script)(CONFIG)
    assert reason in str(failure.value)


def test_a_timeout_ends_the_whole_process_group(tmp_path: Path) -> None:
    # The child of the command would go on for long after the command itself.
    with pytest.raises(MeasurementFailed, match="no answer within"):
        command(f"sleep 60 & echo $! > {tmp_path}/pid; wait", 0.5)(CONFIG)
    assert gone(int((tmp_path / "pid").read_text()))


def test_what_a_command_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    assert command(f"sleep 60 & echo $! > {tmp_path}/pid; echo 5")(CONFIG) == 5
    assert gone(int((tmp_path / "pid").read_text()))


SLEEPING = """
import sys
from tilery.tuner.measured.command import Command
Command(sys.argv[1], lambda config, folder: {})({})
"""


@pytest.mark.parametrize(
    "script", ["echo $$ > pid.new; mv pid.new pid; sleep 60", "trap : TERM; sleep 60 & echo $! > pid.new; mv pid.new pid; wait"]
)
def test_a_killed_worker_takes_its_command_along(script: str, tmp_path: Path) -> None:
    worker = subprocess.Popen([sys.executable, "-c", SLEEPING, f"sh -c '{script}'"], cwd=tmp_path)
    assert eventually(lambda: (tmp_path / "pid").exists())
    worker.kill()
    worker.wait()
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_command_that_cannot_begin_says_why(tmp_path: Path) -> None:
    path = tmp_path / "bench"
    path.write_text("#!/nowhere/interpreter\n")
    path.chmod(0o755)
    with pytest.raises(MeasurementFailed, match=r"exit code 12[67]: .*exec"):
        Command(str(path), lambda config, folder: {})(CONFIG)


def test_a_block_that_is_left_early_ends_its_command(tmp_path: Path) -> None:
    (tmp_path / "given").touch()
    out = (tmp_path / "out").open("wb")
    with out, suppress(KeyboardInterrupt), guarded(["sleep", "60"], tmp_path / "given", out, out) as process:
        raise KeyboardInterrupt
    assert process.returncode == -signal.SIGKILL


def test_nothing_is_left_beside_a_command_that_ended() -> None:
    def children() -> set[str]:
        return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())

    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        pytest.skip("counts its children by Linux's /proc")
    before = children()
    for script in ("echo 5", "exit 3"):
        with suppress(MeasurementFailed):
            command(script)(CONFIG)
    with pytest.raises(MeasurementFailed, match="no answer"):
        command("trap : TERM; sleep 60", 0.2)(CONFIG)
    assert children() == before


def test_mistakes_in_the_command_are_told_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "bench.sh").write_text("echo 1")
    for text, told in [
        ("./nowhere.sh", "there is no such command"),
        (str(tmp_path / "bench.sh"), "it is not executable; chmod"),
        ("", "needs a command"),
        ("sh -c 'x", "No closing quotation"),
    ]:
        with pytest.raises(UsageError, match=told):
            Command(text, lambda config, folder: {})


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something holds within a while."""
    for _ in range(600):
        if holds():
            return True
        time.sleep(0.05)
    return False


def gone(pid: int) -> bool:
    """Whether a process ends within a moment: dead, or a zombie that nobody has collected."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if sys.platform == "linux" and Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z":
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False
