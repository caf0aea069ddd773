"""The tutorial of a chip of one's own: its TOML is the example's, and it quotes messages as they are."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from tilery.command.cli import main

from ..docs.blocks import ROOT, blocks_of

PAGE = ROOT / "docs" / "own_chip.md"


def test_the_example_is_what_the_page_builds() -> None:
    text = "\n".join(each.text for each in blocks_of(PAGE, "toml"))
    assert tomllib.loads(text) == tomllib.loads((ROOT / "examples" / "npu16.toml").read_text())


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
    assert says in PAGE.read_text()
