"""The results file: pleasant to read, hard to lose, never written over when it cannot be understood."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from tilery.tuner.results.entry import Entry, Key, Prints, RunnerUp
from tilery.tuner.results.store import ResultsError, TunedFile


def entry(m: int = 2048, kernel: str = "matmul", latency_us: float = 100.0) -> Entry:
    return Entry(
        key=Key(kernel=kernel, chip="trn2", types={"T": "bf16"}, dims={"M": m, "N": 64}, constants={}),
        prints=Prints(program="0123456789abcdef", chip="fedcba9876543210"),
        objective="latency",
        config={"m": 128, "order": "mn"},
        latency_us=latency_us,
        bound="tensor",
        peak_share=0.8,
        default_latency_us=150.0,
        max_error=0.001,
        tolerance=0.01,
        space=1000,
        feasible=600,
        evaluated=50,
        stop="budget",
        runners_up=[RunnerUp(latency_us=101.0, config={"m": 256, "order": "mn"})],
        tilery="0.1.0",
    )


@pytest.fixture
def file(tmp_path: Path) -> TunedFile:
    return TunedFile.beside(tmp_path / "matmul.tk")


def test_it_stands_beside_the_kernel(tmp_path: Path) -> None:
    assert TunedFile.beside(tmp_path / "matmul.tk").path == tmp_path / "matmul.tuned.json"


def test_no_file_is_no_entries(file: TunedFile) -> None:
    assert file.read() == []


def test_what_is_written_is_read(file: TunedFile) -> None:
    file.write(entry())
    assert file.read() == [entry()]


def test_the_same_key_is_replaced_and_others_stay(file: TunedFile) -> None:
    for each in (entry(4096), entry(512), entry(4096, latency_us=90.0)):
        file.write(each)
    assert file.read() == [entry(512), entry(4096, latency_us=90.0)]


def test_the_order_of_writing_leaves_no_trace(tmp_path: Path) -> None:
    entries = [entry(4096), entry(512), entry(512, kernel="attention"), entry(1024)]
    texts = []
    for name, order in (("a", entries), ("b", entries[::-1])):
        file = TunedFile(tmp_path / f"{name}.tuned.json")
        for each in order:
            file.write(each)
        texts.append(file.path.read_text())
    assert texts[0] == texts[1]
    assert [each.key.dims["M"] for each in TunedFile(tmp_path / "a.tuned.json").read()] == [512, 512, 1024, 4096]


def test_a_field_is_a_line(file: TunedFile) -> None:
    file.write(entry())
    lines = file.path.read_text().splitlines()
    assert '      "config": {"m": 128, "order": "mn"},' in lines
    assert '        {"latency_us": 101.0, "config": {"m": 256, "order": "mn"}}' in lines
    assert json.loads(file.path.read_text())["format"] == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "damaged"),
        ("", "damaged"),
        ("[]", "damaged"),
        ('{"format": 1}', "missing required field `entries`"),
        ('{"format": 1, "entries": [], "extra": 1}', "extra"),
        ('{"format": 2, "entries": "whatever comes"}', "written by a newer tilery (format 2, this one knows 1)"),
    ],
)
def test_a_file_not_understood_is_told_and_left_alone(file: TunedFile, text: str, says: str) -> None:
    file.path.write_text(text)
    for attempt in (file.read, lambda: file.write(entry())):
        with pytest.raises(ResultsError) as error:
            attempt()
        assert says in str(error.value)
        assert "help: " in str(error.value)
    assert file.path.read_text() == text


def test_many_writers_lose_nothing(file: TunedFile) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda m: TunedFile(file.path).write(entry(m)), range(1, 41)))
    assert [each.key.dims["M"] for each in file.read()] == list(range(1, 41))


def test_a_crash_while_writing_leaves_the_old_text(file: TunedFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write(entry(512))
    before = file.path.read_text()

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(ResultsError, match="No space left on device"):
        file.write(entry(1024))
    assert file.path.read_text() == before
    assert [path.name for path in file.path.parent.iterdir() if path.suffix == ".new"] == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="Not a directory"):
        TunedFile(tmp_path / "file" / "matmul.tuned.json").write(entry())


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = TunedFile(tmp_path / "real.tuned.json")
    target.write(entry(512))
    link = tmp_path / "link.tuned.json"
    link.symlink_to(target.path)
    TunedFile(link).write(entry(1024))
    assert link.is_symlink()
    assert len(target.read()) == 2


def test_a_key_reads_as_its_command() -> None:
    assert str(entry().key) == "matmul M=2048 N=64 T=bf16 --chip trn2"


def test_an_entry_refuses_what_it_does_not_know() -> None:
    fields = msgspec.to_builtins(entry()) | {"surprise": 1}
    with pytest.raises(msgspec.ValidationError, match="surprise"):
        msgspec.convert(fields, Entry)
