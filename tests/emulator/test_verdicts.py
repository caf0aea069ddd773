"""What is said of results: right, wrong, or that nothing was proved."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tilery import dsl
from tilery.backends import emulator
from tilery.backends.numbers.rounding import numpy_dtype
from tilery.backends.truth import accuracy, data
from tilery.backends.truth.comparison import Comparison, error_words
from tilery.backends.truth.reference import reference
from tilery.dsl import program

COPY = """
kernel copy(x: f32[N]) -> y: {}[N]:
    reference:
        y[N] = x[N]
    tile n of N:
        y[n] = x[n]
"""
"""The kernel of results that are given by hand."""

NUMBERS = [1.0, -2.0, 0.5, 3.0, -0.25, 4.0, 1.5, -1.0, 2.0, 0.75, 1.25, -3.0]


def specialised(text: str) -> program.Program:
    (definition,) = dsl.parse(text).kernels.values()
    return definition.specialise({}, {})


def compared(got: list[float], want: list[float], kind: str = "f32") -> Comparison:
    kernel = specialised(COPY.format(kind))
    (result,) = kernel.signature.results
    values: NDArray[np.float64] = np.array(got)
    with np.errstate(all="ignore"):
        stored = values.astype(numpy_dtype(result.element))
        x = np.array(want).astype(np.float32)
    return accuracy.compare(kernel, {"N": len(got)}, {"y": stored}, {"y": np.array(want)}, {"x": x})


@pytest.mark.parametrize("got", [7.0, np.inf, -np.inf, np.nan], ids=str)
@pytest.mark.parametrize("want", [7.0, np.inf, -np.inf, np.nan], ids=str)
def test_nan_and_infinities_stand_where_the_reference_has_them(got: float, want: float) -> None:
    found = compared([got, *NUMBERS], [want, *NUMBERS])
    assert found.verdict == ("right" if str(got) == str(want) else "wrong")
    if found.verdict == "wrong":
        assert found.worst_index == (0,)


def test_the_words_of_a_value_that_only_one_side_has() -> None:
    assert str(compared([7.0, *NUMBERS], [np.nan, *NUMBERS])) == "y[0] is 7, where the reference has nan"


@pytest.mark.parametrize("share, verdict", [(0.0, "right"), (0.05, "right"), (0.5, "unproven"), (1.0, "unproven")])
def test_results_of_nan_prove_nothing(share: float, verdict: str) -> None:
    values = np.ones(200)
    values[: int(200 * share)] = np.nan
    found = compared(list(values), list(values))
    assert found.verdict == verdict
    assert found.ok == (verdict == "right")


def test_a_mask_of_infinities_is_a_result_like_another() -> None:
    values = np.where(np.arange(200) < 150, -np.inf, 1.0)
    assert compared(list(values), list(values)).ok
    nothing_finite = np.full(200, -np.inf)
    found = compared(list(nothing_finite), list(nothing_finite))
    assert str(found) == "y is 100 % infinite, in the reference too, so that agreeing with it proves nothing"


def test_wrong_goes_before_unproven() -> None:
    want = [np.nan] * 20 + NUMBERS
    assert compared([*want[:-1], 5.0], want).verdict == "wrong"


@pytest.mark.parametrize("kind, beyond", [("f32", 1e39), ("bf16", 1e39), ("f16", 1e5), ("f8e4m3", 300.0)])
def test_what_the_type_cannot_hold_becomes_an_infinity(kind: str, beyond: float) -> None:
    """exp(100) is finite in the float64 of the reference and inf in f32: that is what the type says."""
    small = [1.0, -2.0, 0.5, 4.0]
    assert compared([np.inf, *small], [beyond, *small], kind).ok
    assert not compared([-np.inf, *small], [beyond, *small], kind).ok
    assert not compared([np.nan, *small], [beyond, *small], kind).ok
    assert not compared([np.inf, *small], [beyond / 100, *small], kind).ok


def test_what_the_type_cannot_hold_hides_no_other() -> None:
    assert not compared([np.inf, 7.0, 2.0], [1e39, 1.0, 2.0]).ok


def test_an_overflow_on_the_way_is_no_excuse() -> None:
    """exp(x) / exp(x) is 1 for any x; in f32 it is NaN from 89 on, and the kernel is wrong there."""
    kernel = specialised(
        "kernel k(x: f32[N]) -> y: f32[N]:\n    reference:\n        y[N] = exp(x[N]) / exp(x[N])\n"
        "    tile n of N:\n        y[n] = exp(x[n]) / exp(x[n])\n"
    )
    arguments: dict[str, data.Argument] = {"x": np.array([1.0, 2.0, 100.0], np.float32)}
    got = emulator.compile(kernel, {"N": 3}, {"n": 3})(arguments)
    found = accuracy.compare(kernel, {"N": 3}, got, reference(kernel, {"N": 3}, arguments), arguments)
    assert found.verdict == "wrong"
    assert found.worst_index == (2,)


def test_a_number_lost_by_overflow_of_a_cast_is_wrong() -> None:
    """Rounding to f8e4m3 explains no infinity where the reference has 300, which the result's own type holds."""
    kernel = specialised(COPY.format("f32").replace("= x[n]", "= f32(f8e4m3(x[n]))"))
    arguments: dict[str, data.Argument] = {"x": np.array([1.0, 2.0, 300.0], np.float32)}
    got = emulator.compile(kernel, {"N": 3}, {"n": 3})(arguments)
    assert accuracy.compare(kernel, {"N": 3}, got, reference(kernel, {"N": 3}, arguments), arguments).verdict == "wrong"


def test_zeros_never_pass_for_values_of_a_wide_tolerance() -> None:
    """Four casts to f8e5m2 add up to a tolerance over 1, at which any result near 0 would pass."""
    casts = "x[n]"
    for _ in range(4):
        casts = f"f32(f8e5m2({casts} * 1.1))"
    kernel = specialised(
        f"kernel k(x: f32[N]) -> y: f32[N]:\n    reference:\n        y[N] = x[N]\n    tile n of N:\n        y[n] = {casts}\n"
    )
    values = np.array(NUMBERS, np.float32)
    arguments: dict[str, data.Argument] = {"x": values}
    assert not accuracy.compare(kernel, {"N": 12}, {"y": 0 * values}, {"y": values.astype(np.float64)}, arguments).ok


def test_the_rounding_of_the_type_is_told_apart() -> None:
    """1 + 2**-8 lies half way between two numbers of bf16: no kernel gets nearer than 2**-9 of it."""
    found = compared([1.0, *NUMBERS], [1 + 2.0**-8, *NUMBERS], "bf16")
    assert found.ok
    assert found.rounding_error == found.max_error > 0
    assert "all of it the rounding to bf16 that no kernel can avoid" in str(found)
    assert found.rounding_error < found.tolerance


def test_words_of_errors() -> None:
    assert error_words(3.84e-3, 3.91e-3, 3.0e-3, "bf16") == (
        "3.84e-03, of which 3.00e-03 is the rounding to bf16 that no kernel can avoid; within the tolerance of 3.91e-03"
    )
    assert error_words(2e-7, 5e-6, 1e-9, "f32") == "2.00e-07, within the tolerance of 5.00e-06"
    assert error_words(2e-1, 5e-6, 1e-1, "f32", within=False) == "2.00e-01, over the tolerance of 5.00e-06"
