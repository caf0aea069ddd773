"""Random kernels with their sizes written in other forms give what they gave before."""

from __future__ import annotations

from collections import Counter

import pytest

from . import kernels, other_sizes

FORMS = ("...", "int", "1 or M", "1 or M", "1 or M")


@pytest.mark.parametrize("part", range(2))
def test_other_forms_of_sizes_change_nothing(part: int) -> None:
    held: Counter[str] = Counter()
    for seed in range(part * 12 + 84, part * 12 + 96):
        for form, drawn in zip(
            ("...", "int", "1 or M", "1 or M", "1 or M"), other_sizes.rewritten(kernels.case(seed)), strict=False
        ):
            found = other_sizes.trial(drawn)
            assert not (found and found.faults), f"{found and found.faults} with {drawn.constants}\n{drawn.case}"
            held[form] += found is not None
    assert held["..."] > 3 and held["int"] == 12 and held["1 or M"] > 12
