"""Storages that are no storages, are damaged, or go away: one message each, and what was found is kept."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tilery.backends.tunable import Config, Tunable
from tilery.dsl.errors import UsageError
from tilery.tuner.together.journal import Journal
from tilery.tuner.together.shared import SharedStudy
from tilery.tuner.together.storage import StorageError, lost_errors, open_storage, reaching

KERNEL = Path(__file__).parents[2] / "kernels/softmax.tk"
TUNABLES = (Tunable("m", "tile", (32, 64, 128), 64, ()),)


@pytest.mark.parametrize("form", ["journal:{}", "sqlite:///{}"])
@pytest.mark.parametrize("device", ["/dev/full", "/dev/null", "/dev/zero"])
def test_a_device_is_no_storage(form: str, device: str) -> None:
    """`/dev/full` was read until memory was used up."""
    with pytest.raises(StorageError, match="is a pipe or a device, no ordinary file\nhelp: name another file"):
        open_storage(form.format(device))


@pytest.mark.parametrize("form", ["journal:{}", "sqlite:///{}"])
def test_neither_are_a_pipe_and_a_folder(form: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, told in [("pipe", "a pipe or a device"), ("", "is a folder")]:
        with pytest.raises(StorageError, match=told):
            open_storage(form.format(tmp_path / name))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_what_keeps_nothing_is_told(url: str) -> None:
    with pytest.raises(UsageError, match="this keeps nothing\nhelp: name a file"):
        open_storage(url)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"\x00" * 3000, "something else than a journal"),
        (b'{"op_code": 0, "worker_id": "a", "study_name": "x"}\n', "is damaged: KeyError"),
        (b'{"op_code": 99, "worker_id": "a"}\n', "is damaged"),
        (b'{"op_code": 0}\n[1, 2]\n', "damaged"),
        (b'{"op_code": 5, "worker_id": "a"\n{"op_code": 5}\n', "the journal is damaged: Expecting"),
        (b'{"op_code": "\xff"}\n', "damaged"),
    ],
)
def test_a_damaged_journal_is_told_and_left_alone(text: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(text)
    with pytest.raises(StorageError, match=told):
        open_storage(f"journal:{tmp_path}/x")
    assert (tmp_path / "x").read_bytes() == text


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as base:
        base.execute("create table studies(a)")


def cut(path: Path) -> None:
    joined(f"sqlite:///{path}")
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path: Path) -> None:
    joined(f"sqlite:///{path}")
    with path.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(path.stat().st_size - 100))


@pytest.mark.parametrize("damage", [foreign, cut, overwritten, lambda path: path.write_bytes(b"\x01" * 3000)])
def test_a_damaged_database_is_told(damage: Callable[[Path], object], tmp_path: Path) -> None:
    damage(tmp_path / "x.db")
    with pytest.raises(StorageError, match=r"cannot be used: .*\nhelp: name another file"):
        joined(f"sqlite:///{tmp_path}/x.db")


def test_a_locked_database_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilery.tuner.together.storage.LOCKED_S", 0.1)
    url = f"sqlite:///{tmp_path}/x.db"
    joined(url)
    base = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    base.execute("begin exclusive")
    with pytest.raises(StorageError, match=r"cannot be used: .*locked"):
        joined(url)
    base.close()
    joined(url)


def joined(url: str) -> SharedStudy:
    with reaching(url):
        return SharedStudy(open_storage(url), "one", TUNABLES, 60)


def test_half_a_line_of_a_killed_writer_is_removed_by_the_next(tmp_path: Path) -> None:
    url = f"journal:{tmp_path}/x"
    study = joined(url)
    study.publish(config(32), 5.0)
    before = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(before + b'{"op_code":4,"worker_id":"ab' + b"c" * 9000)
    study.publish(config(64), 6.0)
    assert (tmp_path / "x").read_bytes().startswith(before + b'{"op_code"')
    assert [each.value for each in joined(url).news()] == [5.0, 6.0]
    assert all(json.loads(line) for line in (tmp_path / "x").read_text().splitlines())


def test_a_write_that_fails_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"journal:{tmp_path}/x"
    study = joined(url)
    before = (tmp_path / "x").read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(lost_errors(), match="No space left"):
            study.publish(config(32), 5.0)
    assert (tmp_path / "x").read_bytes() == before
    study.publish(config(64), 6.0)
    assert [each.value for each in joined(url).news()] == [6.0]


def config(m: int) -> Config:
    return {"m": m}


def test_a_journal_that_is_removed_is_not_begun_anew(tmp_path: Path) -> None:
    study = joined(f"journal:{tmp_path}/x")
    (tmp_path / "x").unlink()
    with pytest.raises(lost_errors()):
        study.publish(config(32), 5.0)
    assert not (tmp_path / "x").exists()


def test_a_study_that_is_removed_is_a_lost_storage(tmp_path: Path) -> None:
    study = joined(f"journal:{tmp_path}/x")
    storage = open_storage(f"journal:{tmp_path}/x")
    storage.delete_study(storage.get_study_id_from_name("one"))
    with pytest.raises(lost_errors(), match="removed the study"):
        study.news()


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    journals = [Journal(tmp_path / "x") for _ in range(4)]

    def write(journal: Journal) -> None:
        for number in range(20):
            journal.append_logs([{"number": number}])

    threads = [threading.Thread(target=write, args=(each,)) for each in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read = [each["number"] for each in Journal(tmp_path / "x").read_logs(0)]
    assert sorted(read) == sorted(4 * list(range(20)))


def test_a_storage_that_is_lost_in_the_middle_loses_nothing_found(tmp_path: Path) -> None:
    """As a process: the third measurement removes the journal, and yet is the best, verified and written."""
    (tmp_path / "softmax.tk").write_text(KERNEL.read_text())
    bench = tmp_path / "bench.sh"
    bench.write_text(
        "#!/bin/sh\necho x >> seen\nnumber=$(wc -l < seen)\nif [ $number = 3 ]; then rm t.journal; echo 1.25; else echo 5; fi\n"
    )
    bench.chmod(0o755)
    words = ["autotune", "softmax.tk", "M=256", "N=512", "T=bf16", "--measure", "./bench.sh", "--storage", "t.journal"]
    done = subprocess.run(
        [sys.executable, "-m", "tilery", *words, "--trials", "9"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "out of reach" in done.stderr and "the same command goes on" in done.stderr
    assert "Traceback" not in done.stderr
    (entry,) = json.loads((tmp_path / "softmax.tuned.json").read_text())["entries"]
    assert entry["measured"]["latency_us"] == 1.25
