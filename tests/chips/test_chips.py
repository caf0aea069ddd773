"""Chip files: every mistake names its field; what-if changes numbers and nothing else; the shipped ones are sourced."""

from __future__ import annotations

import copy
import math
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tilery.backends.chips import Chip, ChipError, changed, chip_names, load, load_chip
from tilery.backends.chips.validate import checked
from tilery.backends.trainium.chip_tables import trainium
from tilery.dsl.errors import UsageError

CHIPS = Path(__file__).parents[2] / "backends" / "trainium" / "chips"
TRN2 = (CHIPS / "trn2.toml").read_text()


def told(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ChipError) as problem:
        load_chip(path)
    message = str(problem.value)
    assert message.startswith(f"{path}: ") or "is not a TOML file" in message
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("bytes_per_partition = ", "bytes_per_partitoin = ", "sbuf.bytes_per_partitoin: there is no such field; did you mean"),
        ("[hbm]", "[hmb]", "hmb: there is no such field; did you mean hbm?"),
        ("rows = 128\n", "", "tensor.rows is missing"),
        ("rows = 128\n", "rows = -128\n", "tensor.rows: expected int >= 1, and this is -128"),
        ("rows = 128\n", 'rows = "many"\n', "tensor.rows: expected int, got str, and this is 'many'"),
        ("bf16 = 1\n", "bf16 = 0\n", "cycles_per_column"),
        ("rows = 128\n", "rows = 256\n", "tensor.rows is 256, but sbuf.partitions only 128"),
        ("\ncolumns = 128\n", "\ncolumns = 256\n", "tensor.columns is 256, but psum.partitions only 128"),
        ('peak_element = "bf16"', 'peak_element = "f64"', "tensor.peak_element is f64, which tensor.cycles_per_column lacks"),
        ("moving_columns = 512", "moving_columns = 8192", "tensor.moving_columns is 8192, but psum holds only"),
        ('"memset", "select"]', '"memzet", "select"]', "vector.forms: there is no memzet; did you mean memset?"),
        (
            'transpose_elements = ["bf16"',
            'transpose_elements = ["bf61"',
            "dma.transpose_elements: there is no bf61; did you mean bf16?",
        ),
        ('date = "2026-07-22"', 'date = "July"', "price.date: expected str matching regex"),
        ("[cores]", "[cores", "is not a TOML file"),
    ],
)
def test_a_mistake_names_its_field(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in TRN2
    assert says in told(tmp_path, TRN2.replace(old, new, 1))


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TRN2.replace('name = "trn2"', 'name = "mine"'))
    mine = load_chip(path)
    assert mine.name == "mine"
    assert trainium(mine).sbuf == trainium(load_chip("trn2")).sbuf


@pytest.mark.parametrize("name", ["inf2", "trn1", "trn2", "trn3"])
def test_shipped_chips_are_sourced(name: str) -> None:
    chip = load_chip(name)
    assert name in chip_names()
    for section in msgspec.to_builtins(chip).values():
        if isinstance(section, dict) and "source" in section:
            assert len(section["source"]) > 10
            for used in re.findall(r"\b([A-Z]{1,3}\d?):", section["source"]):
                assert used in chip.references


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("sbuf.bytes_per_partition=*2", 2 * 212_984),
        ("sbuf.bytes_per_partition=/3", 212_984 // 3),
        ("sbuf.bytes_per_partition=1_000", 1000),
        ("sbuf.bytes_per_partition=+10%", int(212_984 * 1.1)),
        ("dma.bytes_per_s=-50%", trainium(load_chip("trn2")).dma.bytes_per_s / 2),
        ("tensor.cycles_per_column.f32=2", 2),
        ("tensor.clock_hz=3.0e9", 3e9),
    ],
)
def test_what_if_changes_one_number(change: str, value: float) -> None:
    before, after = load_chip("trn2"), changed(load_chip("trn2"), [change])
    assert value_of(after, change) == pytest.approx(value)
    assert change in after.name
    assert after.fingerprint != before.fingerprint
    back = changed(after, [f"{change.split('=')[0]}={value_of(before, change)}"])
    assert trainium(back).sbuf == trainium(before).sbuf


def test_a_shipped_chip_is_found_by_its_name_whatever_its_file_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "chips_beside"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "second-generation.toml").write_text(TRN2.replace('name = "trn2"', 'name = "gen2"'))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(load, "chip_packages", lambda: ("chips_beside",))
    for known in (load._shipped, load._made):
        known.cache_clear()
    try:
        assert chip_names() == ("gen2",)
        assert load_chip("gen2").name == "gen2"
    finally:
        for known in (load._shipped, load._made):
            known.cache_clear()


def value_of(chip: Chip, change: str) -> float:
    place = msgspec.to_builtins(chip)
    for part in change.split("=")[0].split("."):
        place = place[part]
    assert isinstance(place, int | float)
    return place


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("sbuf.bytes=*2", "--what-if sbuf.bytes: there is no such field; there are partitions, bytes_per_partition"),
        ("sbuff.partitions=1", "--what-if sbuff: there is no such field; did you mean `sbuf`?"),
        ("sbuf=*2", "--what-if sbuf: that is no number"),
        ("tensor.peak_element=3", "--what-if tensor.peak_element: that is no number"),
        ("sbuf.partitions.x=3", "--what-if sbuf.partitions.x: sbuf.partitions is a number itself"),
        ("sbuf.partitions=*0", "sbuf.partitions: expected int >= 1"),
        ("sbuf.partitions=/0", "write =N, =*N"),
        ("sbuf.partitions=64", "tensor.rows is 128, but sbuf.partitions only 64"),
        ("dma.floor_ns=+10", "write =N, =*N"),
        ("dma.floor_ns", "write =N, =*N"),
        ("dma.floor_ns=-200%", "dma.floor_ns: expected float >= 0.0"),
    ],
)
def test_what_if_names_what_is_wrong(change: str, says: str) -> None:
    with pytest.raises(UsageError) as problem:
        changed(load_chip("trn2"), [change])
    assert says in str(problem.value)


def test_prices_and_sources_leave_tuned_entries_fresh() -> None:
    chip = load_chip("trn2")
    assert chip.price is not None
    dearer = changed(chip, ["price.usd_per_hour=*2"])
    assert msgspec.structs.replace(dearer, name=chip.name).fingerprint == chip.fingerprint


def numeric_fields(tables: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in tables.items():
        if isinstance(value, dict):
            yield from numeric_fields(value, (*path, name))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield (*path, name)


TABLES = tomllib.loads(TRN2)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 1e-308, 1e308, 2**63, 10**400], ids=str)
@pytest.mark.parametrize("field", list(numeric_fields(TABLES)), ids=".".join)
def test_no_field_takes_a_number_beyond_all_units(field: tuple[str, ...], number: float) -> None:
    tables = copy.deepcopy(TABLES)
    table = tables
    for name in field[:-1]:
        table = table[name]
    table[field[-1]] = number
    with pytest.raises(ChipError) as raised:
        checked(tables, "mine.toml")
    assert str(raised.value).startswith(f"mine.toml: {'.'.join(field)}: expected 0, or ")
    assert len(str(raised.value)) < 150


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 3000 + "]" * 3000, "lie too deep in each other"),
        ("a = " + "{b = " * 3000 + "1" + "}" * 3000, "lie too deep in each other"),
        ("cores = " + "9" * 5000, "is not a TOML file"),
        ("[" + ".".join("a" * 3000) + "]", "there is no such field"),
    ],
)
def test_what_no_chip_file_is(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(ChipError, match=message) as raised:
        load_chip(path)
    assert len(str(raised.value)) < 300 + len(str(path))


@pytest.mark.parametrize("change", ["vector.lanes=1e400", "dma.latency_ns=1e400", "vector.lanes=*1e309"])
def test_a_number_beyond_all_floats_is_no_change(change: str) -> None:
    with pytest.raises(UsageError, match="larger than any number"):
        changed(load_chip("trn2"), [change])
