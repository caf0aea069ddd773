"""The pick of a kernel that nobody has tuned is within a tenth of what a search finds: benchmarks/picks.py in short."""

from __future__ import annotations

import pytest

from benchmarks.picks import compare, kernels, shapes
from tilery.backends.tunable import Choice

WITHIN = 1.1
TRIALS = 50


@pytest.mark.parametrize(
    ("name", "chip", "given"),
    [
        ("softmax", "trn1", {}),
        ("rmsnorm", "trn3", {}),
        ("layernorm", "trn2", {}),
        ("matmul_kmajor", "trn2", {"accumulate.acc": "sbuf"}),
        ("split_k", "trn3", {"m": 128}),
    ],
)
def test_the_pick_is_within_a_tenth_of_the_tuned(name: str, chip: str, given: dict[str, Choice]) -> None:
    (kernel,) = (each for each in kernels((name,)) if each.name == name)
    for dims in shapes(kernel):
        found = compare(kernel, chip, dims, given, TRIALS)
        assert found.ratio <= WITHIN, found.differences()
        assert found.picked.items() >= given.items()
