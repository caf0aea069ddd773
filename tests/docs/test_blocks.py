"""What the README and docs/*.md show works as it stands: every Python and shell block is run, in a folder like the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from .blocks import PAGES, ROOT, Block, blocks_of

FOLLOWED = {page.name: [each for each in blocks_of(page) if each.followed] for page in PAGES}
TYPED = re.compile(r"^(?:\$ )?(?:(?:tilery|python3?|pip|import|from \S+ import|kernel) |\.venv/bin/)", re.MULTILINE)
SAID = {
    "own_chip.md": ["knee           64 operations a byte", "right: largest error", "tuned entry"],
    "objectives.md": ["the front: none of these beats another"],
    "measuring.md": ["measured by    .venv/bin/python examples/bench.py"],
}
"""What is seen on the way, page by page."""
SHIPPED = sorted((ROOT / "kernels").iterdir())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what the pages presuppose: the shipped kernels, the examples, and the virtual environment of the README."""
    for name in ("kernels", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    return tmp_path


def followed(blocks: Sequence[Block], folder: Path) -> subprocess.CompletedProcess[str]:
    """What comes of following the blocks in a folder."""
    keys = ("line", "language", "text", "file")
    told = [{"page": each.page.name} | {key: getattr(each, key) for key in keys} for each in blocks]
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, str(Path(__file__).with_name("follow.py"))],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PATH": tools, "COLUMNS": "130"},
        timeout=300,
    )


@pytest.mark.parametrize("page", [name for name, blocks in FOLLOWED.items() if blocks])
def test_a_newcomer_can_follow_the_page(page: str, checkout: Path) -> None:
    before = [each.read_bytes() for each in SHIPPED if each.is_file()]
    done = followed(FOLLOWED[page], checkout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for said in SAID.get(page, []):
        assert said in done.stdout
    assert [each.read_bytes() for each in SHIPPED if each.is_file()] == before, "an example has tuned the package's own kernels"


def test_the_first_command_of_the_readme(checkout: Path) -> None:
    """Without its first two steps, which set up the virtual environment that is there."""
    start = blocks_of(ROOT / "README.md", "sh")[0]
    setup, install, tune = start.text.split(" && ")
    assert setup == "python3 -m venv .venv" and install.startswith(".venv/bin/pip install ")
    done = followed([replace(start, text=tune)], checkout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "within the tolerance of " in " ".join(done.stdout.split())
    assert (checkout / "kernels" / "matmul.tuned.json").read_bytes() != (ROOT / "kernels" / "matmul.tuned.json").read_bytes()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_what_it_is(page: Path) -> None:
    assert page.read_text(encoding="utf-8").count("\n```") == 2 * len(blocks_of(page)), "a block that is not closed, or not found"
    for each in blocks_of(page):
        assert each.language in ("", "python", "sh", "tk", "toml"), f"{each}: what is `{each.language}`?"
        assert not each.comment or each.not_run or each.file, f"{each}: `{each.comment}` is neither `not run:` nor `file:`"
        assert each.language or not TYPED.search(each.text), f"{each}: what a reader types stands in a block of sh, python or tk"


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("python", "x = 1\nassert x == 2\n", 'File "page.md", line 8'),
        ("sh", "false\necho went on\n", "--- page.md:7"),
        ("sh", "tilery nonsense\n", "No such command 'nonsense'"),
    ],
)
def test_a_block_that_fails_is_seen(tmp_path: Path, language: str, text: str, said: str) -> None:
    good = Block(Path("page.md"), 3, "python", "import sys\n", "")
    done = followed([good, Block(Path("page.md"), 7, language, text, "")], tmp_path)
    assert done.returncode == 1
    assert said in done.stdout + done.stderr and "went on" not in done.stdout
