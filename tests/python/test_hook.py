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


@pytest.mark.parametrize("name", ["torch", "graphlib", "tensorflow"])
def test_no_kernel_answers_for_a_library_that_is_missing(folder: Path, name: str) -> None:
    (folder / f"{name}.tk").write_text((KERNELS / "softmax.tk").read_text())
    hide = "" if name == "graphlib" else f"sys.modules.pop({name!r}, None)\n"
    code = (
        f"import importlib.util\n{hide}spec = importlib.util.find_spec({name!r})\nprint(bool(spec) and '.tk' in str(spec.origin))"
    )
    assert python(code, folder) in ("False\n", "None\n")


def test_installed_code_that_tries_a_module_is_not_given_a_kernel(folder: Path) -> None:
    """What an installed package asks for may be anything; what the user's own code asks for is his own."""
    code = """
import sysconfig
place = sysconfig.get_path("purelib") + "/somebody/probe.py"
text = "import importlib\\ntry:\\n    importlib.import_module('alone')\\n    print('there')\\n"
probe = compile(text + "except ImportError:\\n    print('missing')", place, "exec")
exec(probe, {"__name__": "somebody.probe"})
import alone
print(alone.softmax.name)
"""
    assert python(code, folder) == "missing\nsoftmax\n"


def test_a_module_of_python_and_a_package_without_init_go_first(folder: Path) -> None:
    (folder / "alone.py").write_text("here = 'python'")
    (folder / "names").mkdir()
    (folder / "names.tk").write_text((KERNELS / "softmax.tk").read_text())
    assert python("import alone, names\nprint(alone.here, hasattr(names, '__path__'))", folder) == "python True\n"
