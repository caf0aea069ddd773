"""What a results file lives through: tuners at once, one killed, a full disk, a folder that nobody may write to."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tilery.tuner.results.store import ResultsError, TunedFile

from .test_store import entry

ROOT = Path(__file__).parents[2]
SOFTMAX = ROOT / "kernels" / "softmax.tk"

WRITER = """
import msgspec, os, sys, time
from tilery.tuner.results.entry import Entry
from tilery.tuner.results.store import TunedFile
path, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
one = msgspec.json.decode(sys.stdin.read(), type=Entry)
{before}
for m in range(first, last):
    TunedFile(path).write(msgspec.structs.replace(one, key=msgspec.structs.replace(one.key, dims={{"M": m, "N": 64}})))
"""
STOPPED = """
def wait(descriptor):
    print("writing", flush=True)
    time.sleep(60)
os.fsync = wait
"""
FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
"""


def writer(path: Path, first: int, last: int, before: str = "") -> subprocess.Popen[str]:
    import msgspec

    code = WRITER.format(before=before)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path), str(first), str(last)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write(msgspec.json.encode(entry()).decode())
    process.stdin.close()
    process.stdin = None
    return process


@pytest.fixture
def file(tmp_path: Path) -> TunedFile:
    return TunedFile(tmp_path / "matmul.tuned.json")


def test_two_tuners_at_once_lose_nothing(file: TunedFile) -> None:
    both = [writer(file.path, first, first + 15) for first in (1, 16)]
    for process in both:
        _, problems = process.communicate(timeout=60)
        assert process.returncode == 0, problems
    assert [each.key.dims["M"] for each in file.read()] == list(range(1, 31))


def test_one_that_is_killed_while_it_writes_leaves_what_was_there_and_no_lock(file: TunedFile) -> None:
    file.write(entry(512))
    before = file.path.read_text()
    process = writer(file.path, 1, 2, STOPPED)
    assert process.stdout
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert file.path.read_text() == before
    file.write(entry(1024))
    assert [each.key.dims["M"] for each in file.read()] == [512, 1024]


def test_a_full_disk_is_told_and_what_was_there_stays(file: TunedFile) -> None:
    file.write(entry(512))
    before = file.path.read_text()
    process = writer(file.path, 1, 40, FULL)
    _, problems = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "cannot be written: File too large" in problems
    assert [each.key.dims["M"] for each in file.read()][-1] == 512, "what fitted is kept, and whole"
    assert len(file.path.read_text()) >= len(before)
    assert not list(file.path.parent.glob(".*.new"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that not even root may write to")
def test_a_place_where_nobody_may_write_is_told_after_the_result() -> None:
    with pytest.raises(ResultsError, match="--output FILE"):
        TunedFile("/proc/matmul.tuned.json").write(entry())
    command = [sys.executable, "-m", "tilery", "autotune", str(SOFTMAX), "M=64", "N=128", "--trials", "3"]
    done = subprocess.run([*command, "--output", "/proc/x.tuned.json"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "latency" in done.stdout
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
