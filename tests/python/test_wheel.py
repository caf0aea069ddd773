"""Somebody else's package, with kernels and their tuned entries in its wheel: installed, imported, called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

KERNELS = Path(__file__).parents[2] / "kernels"
PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "theirs"
version = "1.0"

[tool.setuptools]
packages = ["theirs"]

[tool.setuptools.package-data]
theirs = ["*.tk", "*.tuned.json"]
"""
USE = """
import sys
sys.path.insert(0, sys.argv[1])
import tilery.hook
import theirs.rows
assert not {"numpy", "lark", "optuna"} & set(sys.modules), "importing reads nothing"
from theirs.rows import softmax
import numpy as np
y = softmax(np.ones((64, 128), np.float32))
print(softmax.path, y.sum(), softmax.pipeline({"M": 64, "N": 128}).chosen.origin, "optuna" in sys.modules)
"""


def run(*words: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_package_ships_kernels_and_their_tuned_entries(tmp_path: Path) -> None:
    project, target = tmp_path / "project", tmp_path / "installed"
    package = project / "theirs"
    package.mkdir(parents=True)
    (project / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text("")
    (package / "rows.tk").write_text((KERNELS / "softmax.tk").read_text())
    run(sys.executable, "-m", "tilery", "autotune", package / "rows.tk", "M=64", "N=128", "--trials", "3", "--json")
    offline = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "-q")
    run(sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", tmp_path, project)
    (wheel,) = tmp_path.glob("theirs-1.0-*.whl")
    run(sys.executable, "-m", "pip", "install", *offline, "--target", target, wheel)
    said = run(sys.executable, "-c", USE, target)
    assert said == f"{target / 'theirs' / 'rows.tk'} 64.0 tuned False\n"
