"""`check` and `explain` show what the arguments lie in: as declared, or as the text implies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tilery.command.cli import main

TEXT = """
kernel look(table: f32[V, D], rows: i32[B], used: i32[B] in 1..D, v: T[B], at: i32[B], s: f32 in 0.5..2 = 1.0) -> y: f32[B, D]:
    \"\"\"Rows of a table.\"\"\"
    tile b of B:
        picked = table[rows[b], D]
        y[b, D] = where((index[D] < used[b]) and (index[D] < at[b]), picked * sqrt(v[b]) * s, 0.0)
"""
DECLARED = {"used": "in 1..D (declared)", "s": "in 0.5..2 (declared)"}
IMPLIED = {
    "rows": "has a range: it chooses places",
    "v": "has a range: its root or logarithm is taken",
    "at": "has a range: compared with positions",
}


@pytest.fixture
def look(tmp_path: Path) -> Path:
    path = tmp_path / "look.tk"
    path.write_text(TEXT)
    return path


def shown(*words: object) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words], env={"COLUMNS": "140"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_check_shows_declared_and_implied_ranges(look: Path) -> None:
    found = json.loads(shown("check", look, "--json"))["kernels"][0]["ranges"]
    assert found == DECLARED | IMPLIED
    assert list(found) == ["rows", "used", "v", "at", "s"]
    page = shown("check", look)
    assert all(f"  {name} {text}\n" in page for name, text in found.items())


def test_explain_shows_where_they_end(look: Path) -> None:
    words = ("explain", look, "V=100", "D=64", "B=30", "T=f32")
    found = json.loads(shown(*words, "--json"))["ranges"]
    ends = {name: (each["low"], each["high"]) for name, each in found.items()}
    assert ends == {"rows": (0, 99), "used": (1, 64), "v": (0, None), "at": (0, 64), "s": (0.5, 2)}
    lines = [line.split("  ")[0] for line in shown(*words).splitlines()]
    assert lines[-6:] == ["argument", *ends]


def test_a_kernel_that_needs_a_constant_shows_what_it_declares(tmp_path: Path) -> None:
    """What the text implies is another thing for every value of it."""
    path = tmp_path / "few.tk"
    path.write_text("kernel few(x: f32[N] in 0..1, n: int) -> y: f32[N]:\n    tile i of N:\n        y[i] = sqrt(x[i]) * n\n")
    assert json.loads(shown("check", path, "--json"))["kernels"][0]["ranges"] == {"x": "in 0..1 (declared)"}
