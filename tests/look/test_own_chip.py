"""The tutorial of a chip of one's own: its TOML is the example's, and every command of it works as it stands."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from tilery.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "own_chip.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


def test_the_example_is_what_the_page_builds() -> None:
    assert tomllib.loads("\n".join(blocks("toml"))) == tomllib.loads((ROOT / "examples" / "npu16.toml").read_text())


def test_every_command_works_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, name in (("examples", "npu16.toml"), ("kernels", "matmul.tk")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text((ROOT / folder / name).read_text())
    monkeypatch.chdir(tmp_path)
    pages = {}
    for command in COMMANDS:
        program, *words = shlex.split(command)
        assert program == "tilery"
        done = CliRunner().invoke(main, words, env={"COLUMNS": "100"})
        assert done.exit_code == 0, f"{command}\n{done.output}"
        pages[command] = done.stdout
    assert "knee           64 operations a byte" in pages[COMMANDS[0]]
    assert "right: largest error" in pages[COMMANDS[1]]
    assert (tmp_path / "npu16.tuned.json").exists()
    assert (tmp_path / "npu16.json").exists()
    assert "tuned entry" in pages[COMMANDS[5]]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("rows = 16", "rows = 32", "tensor.rows is 32, but sbuf.partitions only 16"),
        ("lanes = 16", "lane = 16", "vector.lane: there is no such field; did you mean lanes?"),
    ],
)
def test_the_mistakes_that_the_page_quotes(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text((ROOT / "examples" / "npu16.toml").read_text().replace(old, new, 1))
    done = CliRunner().invoke(main, ["chips", str(path)])
    assert done.exit_code == 1
    assert says in done.stderr
    assert says in PAGE
