"""Random kernels, random shapes, random configurations: values agree, and the recurrence equals the plain event run."""

from __future__ import annotations

import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.data import random_arguments
from tilery.backends.truth.reference import reference

from .drawn import drawn_kernel, hold_timing, hold_values

KERNELS_A_PART, CONFIGURATIONS = 25, 12


@pytest.mark.parametrize("part", range(8))
def test_the_recurrence_is_the_event_run(part: int) -> None:
    """2,400 programs, fitting the chip or not."""
    for seed in range(part * KERNELS_A_PART, (part + 1) * KERNELS_A_PART):
        hold_timing(seed, drawn_kernel(seed), CONFIGURATIONS)


@pytest.mark.parametrize("part", range(4))
def test_values_agree(part: int) -> None:
    for seed in range(1000 + part * 12, 1000 + (part + 1) * 12):
        hold_values(seed)


@pytest.mark.parametrize("seed", [2256, 2457])
def test_an_operand_of_a_dot_has_its_partition_axis(seed: int) -> None:
    """Found by random kernels: with every other tensor stored the wrong way round, `p` was given an axis that it has not."""
    kernel = drawn_kernel(seed)
    dims = {"M": 70, "N": 90, "K": 110}
    chip, arguments = load_chip("trn2"), random_arguments(kernel, dims, seed)
    program = engine.lower(kernel, dims, chip, engine.default_config(kernel, dims, chip))
    assert compare(kernel, dims, engine.execute(program, arguments), reference(kernel, dims, arguments), arguments).ok
