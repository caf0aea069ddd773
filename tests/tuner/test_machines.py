"""Workers as processes of their own on one storage; one is killed in the middle of a measurement, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tilery.tuner.results.store import TunedFile

from . import postgres
from .test_command import gone

KERNEL = Path(__file__).parents[2] / "kernels/softmax.tk"
TRIALS = 6

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="tells its processes apart by Linux's /proc")
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Else every one of these many processes might compile all of numpy and Optuna anew."""

BENCH = f"""#!{sys.executable}
import json, os, sys, time
config = json.load(sys.stdin)["config"]
with open("{{folder}}/seen", "a") as file:
    file.write(json.dumps(config, sort_keys=True) + "\\n")
worker = open(f"/proc/{{{{os.getppid()}}}}/cmdline").read()
late = len(open("{{folder}}/seen").readlines()) >= 2
while late and "{{victim}}" not in worker and not os.path.exists("{{folder}}/stuck"):
    time.sleep(0.1)
if late and "{{victim}}" in worker and not os.path.exists("{{folder}}/stuck"):
    os.close(os.open("{{folder}}/stuck", os.O_CREAT | os.O_EXCL))
    open("{{folder}}/victim", "w").write(f"{{{{os.getppid()}}}} {{{{os.getpid()}}}}\\n")
    time.sleep(60)
time.sleep(0.2)
print(10_000 / config["m"] + sum(map(len, map(str, config.values()))) + config["buffers.x"])
"""


@contextmanager
def storage(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/study.db"
    elif kind == "journal":
        yield f"journal:{folder}/study"
    elif kind == "postgresql":
        with postgres.server() as url:
            yield url
    else:
        pytest.importorskip("grpc")
        port = postgres.free_port()
        script = "import optuna.storages as s; s.run_grpc_proxy_server(s.get_storage({!r}), port={})"
        words = [sys.executable, "-W", "ignore", "-c", script.format(f"sqlite:///{folder}/behind.db", port)]
        with subprocess.Popen(words, stderr=subprocess.DEVNULL) as proxy:
            answers(port)
            yield f"grpc://localhost:{port}"
            proxy.kill()


def answers(port: int) -> None:
    """Waits until somebody listens there."""
    for _ in range(600):
        with suppress(ConnectionRefusedError), socket.create_connection(("localhost", port)):
            return
        time.sleep(0.1)


@dataclass
class Worker:
    """A process of the command line; what it prints goes to a file."""

    process: subprocess.Popen[bytes]
    printed: Path

    def found(self) -> dict[str, Any]:
        """What it found, once it has ended well."""
        assert self.process.wait(120) == 0
        found = json.loads(self.printed.read_text())
        assert isinstance(found, dict)
        return found


def worker(folder: Path, name: str, *words: str) -> Worker:
    command = [sys.executable, "-m", "tilery", "autotune", str(folder / "softmax.tk"), "M=256", "N=512", "T=bf16", "--json"]
    measuring = ["--measure", str(folder / "bench.py"), "--sampler", "brute", "--trials", str(TRIALS)]
    sharing = ["--grace", "5s"] if "--storage" in words else []
    with (folder / name).open("wb") as printed:
        process = subprocess.Popen([*command, *measuring, *sharing, *words], stdout=printed, env={**os.environ, **COMPILED})
    return Worker(process, folder / name)


def prepare(folder: Path, victim: str) -> None:
    (folder / "softmax.tk").write_text(KERNEL.read_text())
    path = folder / "bench.py"
    path.write_text(BENCH.format(folder=folder, victim=victim))
    path.chmod(0o755)


def killed(folder: Path) -> int:
    """Kills the worker that is stuck in its measurement, with no chance to say so; returns its process id."""
    path = folder / "victim"
    for _ in range(900):
        if path.exists() and path.read_text().endswith("\n"):
            break
        time.sleep(0.1)
    process, command = map(int, path.read_text().split())
    os.kill(process, signal.SIGKILL)
    assert gone(command), "the benchmark ends with its worker"
    return process


def measured(folder: Path) -> Counter[str]:
    return Counter((folder / "seen").read_text().splitlines())


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a worker finds that shares its study with nobody."""
    folder = tmp_path_factory.mktemp("alone")
    prepare(folder, "nobody")
    (folder / "stuck").touch()
    return worker(folder, "alone").found()


@pytest.mark.parametrize("kind", ["sqlite", "journal", "postgresql", "grpc"])
def test_the_trial_of_a_killed_worker_is_done_by_the_other(kind: str, tmp_path: Path, alone: dict[str, Any]) -> None:
    prepare(tmp_path, "tilery")
    with storage(kind, tmp_path) as url:
        workers = [worker(tmp_path, name, "--storage", url) for name in ("one", "other")]
        victim = killed(tmp_path)
        (survivor,) = [each for each in workers if each.process.pid != victim]
        found = survivor.found()
        assert {each.process.wait() for each in workers} == {0, -signal.SIGKILL}
    counts = measured(tmp_path)
    assert sorted(counts.values()) == [1] * (TRIALS - 1) + [2], "only what the killed worker was at is measured again"
    assert (found["stop"], found["evaluated"]) == ("trials", TRIALS)

    (entry,) = TunedFile(tmp_path / "softmax.tuned.json").read()
    assert entry.config == found["config"] == alone["config"]
    assert set(counts) == {json.dumps(each["config"], sort_keys=True) for each in alone["measured"]["best"]}


def test_jobs_go_on_where_one_of_them_is_killed(tmp_path: Path) -> None:
    prepare(tmp_path, "tilery.command.together.worker")
    main = worker(tmp_path, "main", "--jobs", "2", "--budget", "200s")
    killed(tmp_path)
    found = main.found()
    assert found["evaluated"] == TRIALS
    assert sorted(measured(tmp_path).values()) == [1] * (TRIALS - 1) + [2]
