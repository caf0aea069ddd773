"""Every execution of random kernels against the plain loop over elements; thousands more by `python -m tests.torture`."""

from __future__ import annotations

import pytest

from . import court, kernels


@pytest.mark.parametrize("part", range(4))
def test_every_execution_gives_what_the_plain_loop_gives(part: int) -> None:
    for seed in range(part * 15, part * 15 + 15):
        case = kernels.case(seed)
        found = court.trial(case)
        assert not found.faults, f"{found.faults}\n{case}"
