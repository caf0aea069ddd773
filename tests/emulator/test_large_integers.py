"""Integers that f32 does not hold are rounded as they become floats: no right kernel is wrong for it, and no wrong one right."""

from __future__ import annotations

import numpy as np
import pytest

from tilery import dsl
from tilery.backends import emulator
from tilery.backends.truth import accuracy
from tilery.backends.truth.comparison import Comparison
from tilery.backends.truth.reference import reference

KERNEL = """
kernel k(x: i32[N]) -> y: f32[N]:
    reference:
        y[N] = {reference}
    tile n of N:
        y[n] = {body}
"""


def judged(body: str, wanted: str, x: list[int]) -> Comparison:
    (definition,) = dsl.parse(KERNEL.format(body=body, reference=wanted)).kernels.values()
    kernel, dims = definition.specialise({}, {}), {"N": len(x)}
    arguments = {"x": np.array(x, np.int32)}
    got = emulator.compile(kernel, dims, {"n": 16})(arguments)
    return accuracy.compare(kernel, dims, got, reference(kernel, dims, arguments), arguments)


def numbers(low: int, high: int) -> list[int]:
    return [int(each) for each in np.random.default_rng(0).integers(low, high, 200)]


NEAR = ["f32(x[n]) - f32(x[n] - 9)", "f32(x[n] // 3) - f32(x[n] // 3 - 9)", "x[n] * 1.0 - f32(x[n] - 9)"]


@pytest.mark.parametrize("body", NEAR)
def test_a_difference_of_rounded_integers_is_not_wrong(body: str) -> None:
    """Most differences of integers near 2**30 are 0 or 64, where the reference has 9."""
    found = judged(body, body.replace("[n]", "[N]"), [*numbers(2**30, 2**31 - 10), *([5] * 2000)])
    assert found.max_error > 1 / 4
    assert found.ok, found


@pytest.mark.parametrize("body", NEAR)
def test_no_integer_that_f32_holds_excuses_anything(body: str) -> None:
    assert judged(body + " + 0.5", body.replace("[n]", "[N]"), numbers(0, 2**16)).verdict == "wrong"


def test_one_large_integer_excuses_no_other_element() -> None:
    body = "f32(x[n]) - f32(x[n] - 9)"
    off = judged(body + " + where(x[n] == 3, 0.1, 0.0)", body.replace("[n]", "[N]"), [2**31 - 1, *range(100)])
    assert off.verdict == "wrong"
    assert off.worst_index == (4,)
