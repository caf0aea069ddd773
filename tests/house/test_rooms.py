"""The rooms of the source: no folder is a pile, and no two files have one name for different things."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ("dsl", "backends", "tuner", "tilery", "kernels")
FOLDERS = (*SOURCE, "benchmarks", "tests")
MOST_FILES = 20
ONE_THING = {"__init__", "__main__", "errors"}
"""Names that mean the same in every folder; `errors` are those that its package raises."""


def files(folder: str) -> list[Path]:
    return [each for each in (ROOT / folder).rglob("*.py") if "__pycache__" not in each.parts]


def test_no_two_source_files_have_one_name() -> None:
    named: dict[str, list[str]] = defaultdict(list)
    for each in (each for folder in SOURCE for each in files(folder)):
        named[each.stem].append(str(each.relative_to(ROOT)))
    assert {name: paths for name, paths in named.items() if len(paths) > 1 and name not in ONE_THING} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_is_a_pile(folder: str) -> None:
    held: dict[str, int] = defaultdict(int)
    for each in files(folder):
        held[str(each.parent.relative_to(ROOT))] += 1
    assert held, "there are files"
    assert {place: number for place, number in held.items() if number > MOST_FILES} == {}


def test_whether_something_lies_at_a_path_is_asked_of_what_never_fails() -> None:
    """`pathlib` raises where a name is too long or a folder may not be entered: such a path is a user's, not a fault of ours."""
    asked = (".exists()", ".is_file()", ".is_dir()")
    found = [
        str(each.relative_to(ROOT))
        for folder in SOURCE
        for each in files(folder)
        if any(ask in each.read_text("utf-8") for ask in asked)
    ]
    assert not found, "ask dsl/looking.py"
