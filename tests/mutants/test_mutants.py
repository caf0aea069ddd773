"""The short form of `python -m tests.mutants`: faults that no test once found are found."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from .changes import mutants

ROOT = Path(__file__).parents[2]


TEXT = """
def f(x, y):
    if x < 1 and not y:
        return max(x + 2, -y)
    return [each for each in x if each] or {1: 2, 3: 4}
"""


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("transfers", "dma.floor_ns"),  # short transfers for nothing
        ("cost", "engine.mode_elements"),  # no modes for 16 bits
        ("splits", "split.axis not in buffer.axes"),  # what moves is read once
        ("exponentials", "math.log(2)"),  # the slope of log2
    ],
)
def test_faults_that_no_test_found_are_found(target: str, words: str) -> None:
    command = [sys.executable, "-m", "tests.mutants", target, "--only", words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_mutant_is_another_program() -> None:
    found = [ast.unparse(each.tree) for each in mutants(TEXT)]
    assert len(set(found)) == len(found) > 15
    assert ast.unparse(ast.parse(TEXT)) not in found
    for each in found:
        compile(each, "mutant", "exec")
