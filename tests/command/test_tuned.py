"""`tilery tuned`: what is listed, what is stale, and what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tilery.command.cli import main
from tilery.tuner.results.store import TunedFile

KERNELS = Path(__file__).parents[2] / "kernels"


def invoked(*words: object) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return str(done.output)


@pytest.fixture
def softmax(tmp_path: Path) -> Path:
    """A folder with a tuned kernel, and another kernel that has changed since it was tuned."""
    for name in ("softmax", "changed"):
        path = tmp_path / f"{name}.tk"
        path.write_text((KERNELS / "softmax.tk").read_text())
        invoked("autotune", path, "M=256", "N=512", "--trials", "3", "--json")
    path.write_text(path.read_text().replace("e / sum[N](e)", "e * (1 / sum[N](e))"))
    return tmp_path / "softmax.tk"


def stale(folder: Path) -> dict[str, str]:
    return {Path(each["file"]).name: each["stale"] for each in json.loads(invoked("tuned", folder, "--json"))}


def test_stale_entries_are_marked_and_pruned(softmax: Path) -> None:
    folder = softmax.parent
    page = invoked("tuned", folder)
    assert "softmax M=256 N=512 T=bf16 --chip trn2" in page
    assert "fine" in page
    assert "stale: the kernel has changed" in page
    assert "1 of 2 stale" in page
    assert stale(folder) == {"changed.tuned.json": "the kernel has changed", "softmax.tuned.json": ""}
    assert "removed from" in invoked("tuned", folder, "--prune")
    assert stale(folder) == {"softmax.tuned.json": ""}


def test_stale_entries_are_tuned_anew(softmax: Path) -> None:
    assert "retuned: softmax" in invoked("tuned", softmax.parent, "--retune", "--budget", "1s")
    assert stale(softmax.parent) == {"changed.tuned.json": "", "softmax.tuned.json": ""}


def test_an_entry_without_its_kernel_is_stale(softmax: Path) -> None:
    softmax.unlink()
    assert stale(softmax.parent)["softmax.tuned.json"] == "there is no softmax.tk"
    assert len(TunedFile.beside(softmax).read()) == 1


def test_a_file_and_an_empty_folder(softmax: Path, tmp_path: Path) -> None:
    assert "changed" not in invoked("tuned", softmax)
    (tmp_path / "empty").mkdir()
    assert "nothing has been tuned here" in invoked("tuned", tmp_path / "empty")


def test_colours_are_the_page_s_own() -> None:
    shipped = Path(__file__).parents[2] / "kernels"
    plain = CliRunner().invoke(main, ["tuned", str(shipped)])
    coloured = CliRunner().invoke(main, ["tuned", str(shipped)], color=True)
    assert "␛" not in plain.output + coloured.output
    assert "\x1b[" not in plain.output and "\x1b[" in coloured.output
