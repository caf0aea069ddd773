"""`import tilery.hook`: `.tk` files as modules, from a folder and from a package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

KERNELS = Path(__file__).parents[2] / "kernels"


def python(code: str, *places: Path) -> str:
    start = f"import sys; sys.path[:0] = {[str(each) for each in places]!r}\nimport tilery.hook\n"
    done = subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "theirs"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "rows.tk").write_text((KERNELS / "softmax.tk").read_text())
    (tmp_path / "alone.tk").write_text((KERNELS / "softmax.tk").read_text())
    (tmp_path / "json.tk").write_text("nonsense")
    (tmp_path / "wrong.tk").write_text("kernel wrong(:\n")
    return tmp_path


def test_a_file_is_a_module_and_its_kernels_are_attributes(folder: Path) -> None:
    code = "import alone, numpy as np\nprint(alone.softmax(np.ones((3, 4), np.float32)).sum(), 'softmax' in dir(alone))"
    assert python(code, folder) == "3.0 True\n"


def test_in_a_package_and_from(folder: Path) -> None:
    assert "<tilery kernel softmax of " in python("from theirs.rows import softmax\nprint(softmax)", folder)


def test_importing_reads_nothing(folder: Path) -> None:
    code = "import alone, wrong\nprint([each for each in ('lark', 'numpy', 'optuna') if each in sys.modules], alone.__file__)"
    assert python(code, folder) == f"[] {folder / 'alone.tk'}\n"


def test_python_s_own_modules_keep_their_meaning(folder: Path) -> None:
    assert python("import json\nprint(json.loads('[1]'))", folder) == "[1]\n"


def test_mistakes_are_told_with_their_place(folder: Path) -> None:
    said = python("import wrong\nwrong.wrong", folder)
    assert "SourceErrors" in said
    assert f"{folder / 'wrong.tk'}:1" in said


def test_names_that_are_not_there(folder: Path) -> None:
    assert "cannot import name 'softmin'" in python("from alone import softmin", folder)
    assert "has no kernel `softmin`; did you mean `softmax`" in python("import alone\nalone.softmin", folder)
    assert "No module named 'nowhere'" in python("import nowhere", folder)


def test_a_tuned_file_in_a_package_is_used(folder: Path) -> None:
    tilery = [sys.executable, "-m", "tilery"]
    subprocess.run([*tilery, "autotune", str(folder / "theirs/rows.tk"), "M=64", "N=128", "--trials", "3", "--json"], check=True)
    code = "from theirs.rows import softmax\nprint(softmax.path, softmax.pipeline({'M': 64, 'N': 128}).chosen.origin)"
    assert python(code, folder) == f"{folder / 'theirs/rows.tk'} tuned\n"
