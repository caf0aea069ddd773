"""A results file that is damaged: what is whole is served, what is not is kept, and nothing is written over blindly."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilery.dsl import fingerprint
from tilery.tuner.results import store
from tilery.tuner.results.entry import Entry
from tilery.tuner.results.json_text import text_of
from tilery.tuner.results.store import ResultsError, TunedFile

from ..specialised import specialised
from .test_store import entry

ENTRIES = [entry(512), entry(1024, kernel="attention"), entry(2048), entry(4096)]
TEXT = text_of(ENTRIES)


@pytest.fixture
def file(tmp_path: Path) -> TunedFile:
    store._told.clear()
    return TunedFile(tmp_path / "matmul.tuned.json")


def broken(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The file with one entry, the one of M=2048, changed."""
    plain = json.loads(TEXT)
    change(next(each for each in plain["entries"] if each["key"]["dims"]["M"] == 2048))
    return json.dumps(plain, indent=2).encode()


WRONG: dict[str, Callable[[dict[str, Any]], object]] = {
    "a share over 1": lambda one: one.update(peak_share=1.4),
    "fewer slots than none": lambda one: one["config"].update({"buffers.x": -1}),
    "a tile of no size": lambda one: one["config"].update(m=0),
    "a tile size with a point": lambda one: one["config"].update(m=128.0),
    "not a number": lambda one: one.update(latency_us=float("nan")),
    "infinite": lambda one: one.update(default_latency_us=float("inf")),
    "a wrong type": lambda one: one.update(config=[1, 2]),
    "a field of a newer tilery": lambda one: one.update(surprise=True),
    "a field missing": lambda one: one.pop("prints"),
    "a dimension beyond every number": lambda one: one["key"]["dims"].update(M=10**400),
    "not even a key": lambda one: one.clear(),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_bad_entry_is_left_out_said_once_and_kept(
    file: TunedFile, change: Callable[[dict[str, Any]], object], caplog: pytest.LogCaptureFixture
) -> None:
    text = broken(change)
    file.path.write_bytes(text)
    with caplog.at_level(logging.WARNING, "tilery"):
        assert [each.key.dims["M"] for each in file.read()] == [1024, 512, 4096]
        file.read()
    assert len(caplog.records) == 1
    assert "is left out" in caplog.text
    file.write(entry(8192))
    assert [each.key.dims["M"] for each in file.read()] == [1024, 512, 4096, 8192]
    start = text.index(b"\n    {", text.index(b'"M": 512')) if change is not WRONG["not even a key"] else text.index(b"\n    {}")
    kept = text[start : text.index(b"\n    }", start) + 6] if change is not WRONG["not even a key"] else b"{}"
    assert kept.strip() in file.path.read_bytes(), "the text of the bad entry stays as it was"


def test_tuning_the_same_again_mends_a_bad_entry(file: TunedFile) -> None:
    file.path.write_bytes(broken(WRONG["a share over 1"]))
    file.write(entry(2048))
    assert file.path.read_bytes() == TEXT


@pytest.mark.parametrize(
    "nonsense",
    [b"[" * 3000 + b"]" * 3000, b'{"key":' * 3000 + b"1" + b"}" * 3000, b"9" * 5000, b'"\xff\xfe"', b"null", b'{"a": 1, "a": 2}'],
    ids=["lists", "objects", "digits", "bytes", "null", "twice"],
)
def test_nonsense_among_the_entries_disturbs_none(file: TunedFile, nonsense: bytes) -> None:
    file.path.write_bytes(TEXT.replace(b"    },\n    {", b"    },\n" + nonsense + b",\n    {", 1))
    assert len(file.read()) == len(ENTRIES)
    before = file.path.read_bytes()
    try:
        file.write(entry(8192))
    except ResultsError as error:
        assert "damaged" in str(error)
        assert file.path.read_bytes() == before
    else:
        assert len(file.read()) == len(ENTRIES) + 1
        assert nonsense in file.path.read_bytes()


def test_a_merge_that_was_not_finished_is_read_and_not_written_over(file: TunedFile, caplog: pytest.LogCaptureFixture) -> None:
    text = TEXT.replace(b"    },\n    {", b"    },\n<<<<<<< HEAD\n    {", 1)
    file.path.write_bytes(text)
    assert len(file.read()) == len(ENTRIES)
    assert "damaged" in caplog.text
    assert "the 4 entries that can be read will do" in caplog.text
    attempts: list[Callable[[], None]] = [lambda: file.write(entry()), lambda: file.remove([]), file.check]
    for attempt in attempts:
        with pytest.raises(ResultsError, match="damaged"):
            attempt()
    assert file.path.read_bytes() == text
    assert [each.name for each in file.path.parent.iterdir()] == [file.path.name], "not even a lock"


def test_two_halves_do_not_make_one_entry(file: TunedFile) -> None:
    """Of two entries run together, a parser would take some fields of each."""
    file.path.write_bytes(TEXT.replace(b"\n    },\n    {", b",", 1))
    assert file.read() == [entry(2048), entry(4096)]


spots = st.integers(0, len(TEXT))
chunks = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"<<<<<<< HEAD\n", b'{"key":', b"NaN", b"-1", b"\0" * 40]
    ),
)


@given(st.lists(st.tuples(spots, st.integers(0, 60), chunks), min_size=1, max_size=4))
def test_no_damage_disturbs_an_entry_that_is_whole(damages: list[tuple[int, int, bytes]]) -> None:
    """Bytes cut out and put in anywhere: every entry that was not touched is served, and survives a writer."""
    text = TEXT
    touched: list[tuple[int, int]] = []
    for start, length, chunk in sorted(damages, reverse=True):
        end = min(start + length, touched[-1][0] if touched else len(TEXT))
        text = text[:start] + chunk + text[end:]
        touched.append((start, end))
    whole = [each for each in ENTRIES if _apart(_block(each), touched)]
    with tempfile.TemporaryDirectory() as folder:
        file = TunedFile(Path(folder) / "matmul.tuned.json")
        file.path.write_bytes(text)
        try:
            read = file.read()
        except ResultsError as error:
            assert not whole or "newer tilery" in str(error)
            return
        assert all(each in read for each in whole)
        try:
            file.write(entry(8192))
        except ResultsError:
            assert file.path.read_bytes() == text
        else:
            assert all(each in TunedFile(file.path).read() for each in [*read, entry(8192)])


def _block(each: Entry) -> tuple[int, int]:
    """Where an entry stands in the text."""
    place = TEXT.index(b'"M": %d,' % each.key.dims["M"])
    return TEXT.rindex(b"    {\n", 0, place) + 4, TEXT.index(b"\n    }", place) + 6


def _apart(block: tuple[int, int], touched: list[tuple[int, int]]) -> bool:
    return all(end <= block[0] or start >= block[1] for start, end in touched)


def test_what_cannot_be_read_again_replaces_nothing(file: TunedFile) -> None:
    file.write(entry(512))
    before = file.path.read_bytes()
    with pytest.raises(ResultsError, match=r"nothing was written.*peak_share"):
        file.write(msgspec.structs.replace(entry(1024), peak_share=1.4))
    with pytest.raises(ResultsError, match="nothing was written"):
        file.write(msgspec.structs.replace(entry(1024), max_error=float("nan")))
    assert file.path.read_bytes() == before


def test_what_a_killed_writer_left_is_removed_by_the_next(file: TunedFile) -> None:
    folder = file.path.parent
    for name in (".matmul.tuned.json.abcd_123.new", ".other.tuned.json.12345678.new", ".matmul.tuned.json.lock"):
        (folder / name).write_text("half")
    (folder / "notes.new").write_text("mine")
    (folder / ".hidden.new").write_text("mine")
    file.write(entry(512))
    TunedFile(folder / "softmax.tuned.json").write(entry(512))
    names = [".hidden.new", ".tilery.lock", "matmul.tuned.json", "notes.new", "softmax.tuned.json"]
    assert sorted(each.name for each in folder.iterdir()) == names


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "null").symlink_to("/dev/zero")
    with (tmp_path / "large").open("wb") as large:
        large.truncate(3 << 30)
    says = {
        "pipe": "a pipe",
        "folder": "a folder",
        "dangling": "not there",
        "circle": "cannot be",
        "null": "a device",
        "large": "3072 MB",
    }
    for name, why in says.items():
        file = TunedFile(tmp_path / name)
        with pytest.raises(ResultsError, match=why):
            file.read()
        with pytest.raises(ResultsError, match=why):
            file.write(entry())
    assert (tmp_path / "dangling").is_symlink()


def test_an_entry_without_the_size_of_a_tile_is_left_out(file: TunedFile, caplog: pytest.LogCaptureFixture) -> None:
    kernel = specialised("matmul", "bf16")
    own = msgspec.structs.replace(entry(2048).prints, program=fingerprint(kernel))
    sizes = {each.axis.name: 128 for each in kernel.loop_variables if not each.axis.unit}
    short = {name: size for name, size in sizes.items() if name != min(sizes)}
    file.write(msgspec.structs.replace(entry(1024), prints=own, config=sizes))
    file.write(msgspec.structs.replace(entry(2048), prints=own, config=short))
    file.write(msgspec.structs.replace(entry(4096), config=short))
    assert [each.key.dims["M"] for each in file.read_for(kernel)] == [1024, 4096], "what is stale is judged by nobody"
    assert f"it has no size for {min(sizes)}" in caplog.text
