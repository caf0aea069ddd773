"""The Gaussian process of the surrogate: its slope is that of its loss, it keeps to one thread, and no question imports."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from tilery.tuner.strategies.parts import process

IMPORTS = """
import sys
from tilery.tuner import Search
search = Search({"a": list(range(20)), "b": list(range(1, 20))})
before = set(sys.modules)
for number in range(12):
    search.tell(search.ask(), number + 1.0)
print(*sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize(("count", "dimensions"), [(2, 1), (9, 3), (40, 6)])
def test_the_gradient_is_that_of_the_loss(count: int, dimensions: int) -> None:
    generator = np.random.default_rng(count)
    points, targets = generator.choice([0, 0.25, 0.5, 1.0], (count, dimensions)), generator.normal(size=count)
    parameters, centre = np.append(generator.normal(size=dimensions), -1.0), np.zeros(dimensions + 1)
    pairs = process.Pairs.of(points)
    _, gradient = process._loss(parameters, pairs, targets, centre)
    for place, step in enumerate(1e-6 * np.eye(dimensions + 1)):
        above, below = (process._loss(parameters + sign * step, pairs, targets, centre)[0] for sign in (1, -1))
        assert gradient[place] == pytest.approx((above - below) / 2e-6, rel=1e-4, abs=1e-6)


def test_blas_keeps_to_one_thread_inside() -> None:
    with process.one_thread():
        assert {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"} == {1}


def test_no_question_imports_anything_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    assert not {each.partition(".")[0] for each in done.stdout.split()} & {"scipy", "optuna", "numpy"}, done.stdout
