"""Files that are no ordinary text: one message each, and none is waited for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tilery.backends.chips import load_chip
from tilery.command.cli import main
from tilery.dsl import SourceErrors, TileryError, UsageError, load
from tilery.dsl.reading import MOST_BYTES

HALF = "fn half(x) = x / 2\n"
TAKER = "from parts import half\n\nkernel f(x: f32[N]) -> y: f32[N]:\n    tile n of N:\n        y[n] = half(x[n])\n"


def pipe(path: Path) -> None:
    os.mkfifo(path)


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 << 30)  # sparse: it takes no room


def bytes_of_no_text(path: Path) -> None:
    path.write_bytes(b"kernel \xff\xfe")


KINDS = {
    pipe: "it is a pipe or a device, no ordinary file",
    zeros: "it is a pipe or a device, no ordinary file",
    Path.mkdir: "cannot read ",
    huge: f"it has 3,221,225,472 bytes, and at most {MOST_BYTES:,} are read",
    bytes_of_no_text: "odd.",
}


@pytest.mark.parametrize("make", KINDS)
def test_what_is_no_text_file_is_told(make: Callable[[Path], None], tmp_path: Path) -> None:
    kernel, chip = tmp_path / "odd.tk", tmp_path / "odd.toml"
    make(kernel)
    make(chip)
    with pytest.raises(UsageError, match=re.escape(KINDS[make])):
        load(kernel)
    with pytest.raises(TileryError) as raised:
        load_chip(chip)
    assert KINDS[make] in str(raised.value)
    for words in (["check"], ["fmt", "--check"], ["run"], ["simulate"]):
        result = CliRunner().invoke(main, [*words, str(kernel)])
        assert result.exit_code == 2
        assert str(kernel) in result.stderr and "internal error" not in result.stderr


@pytest.mark.parametrize("folder_is_linked", [False, True])
def test_links_are_followed_inside_the_folder_only(folder_is_linked: bool, tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    (elsewhere / "secret.tk").write_text(HALF)
    (home / "halves.tk").write_text(HALF)
    (home / "main.tk").write_text(TAKER)
    start = home
    if folder_is_linked:
        start = tmp_path / "link"
        start.symlink_to(home)
    (home / "parts.tk").symlink_to(home / "halves.tk")
    assert "f" in load(start / "main.tk").kernels
    (home / "parts.tk").unlink()
    (home / "parts.tk").symlink_to(elsewhere / "secret.tk")
    with pytest.raises(SourceErrors, match=r"`parts\.tk` is a link that leads out of this folder"):
        load(start / "main.tk")


def test_a_folder_of_links_into_one_store_is_read(tmp_path: Path) -> None:
    store, farm = tmp_path / "store", tmp_path / "farm"
    store.mkdir()
    farm.mkdir()
    (store / "parts.tk").write_text(HALF)
    (store / "main.tk").write_text(TAKER)
    for name in ("parts.tk", "main.tk"):
        (farm / name).symlink_to(store / name)
    assert "f" in load(farm / "main.tk").kernels
