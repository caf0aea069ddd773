"""What has to stand beyond the end of an axis: in words, and by running kernels on filled-up arguments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilery.backends import emulator
from tilery.backends.simplify.edges import AxisEdges, edges, identity, in_words
from tilery.backends.simplify.inline import inline
from tilery.backends.simplify.prune import prune
from tilery.backends.simplify.share import share
from tilery.dsl import parse
from tilery.dsl.program import Program
from tilery.dsl.types import BF16, BOOL, I8, U8

from ..specialised import specialised


def row_kernel(value: str, *lines: str) -> Program:
    text = "".join(f"        {each}\n" for each in lines)
    head = f"kernel k(x: f32[M, N]) -> y: f32[M]:\n    tile m of M:\n{text}"
    return parse(f"{head}        y[m] = {value}\n").kernels["k"].specialise({}, {})


def along_n(kernel: Program) -> AxisEdges:
    (found,) = (each for each in edges(prune(share(inline(kernel.body)))) if each.axis.name == "N")
    return found


SOFTMAX = """beyond the last N
    x[m, N] is filled with -inf
    max[N](row): wants -inf, and x[m, N] is -inf there
    sum[N](e): wants 0, and exp(row - max[N](row)) is 0 there"""


def test_softmax_masks_nothing() -> None:
    assert in_words(specialised("softmax", "bf16").body) == SOFTMAX


def test_both_operands_of_a_product_are_filled_with_zeros() -> None:
    (found,) = edges(specialised("matmul", "bf16").body)
    assert sorted(found.fills.values()) == [0, 0]
    assert all(each.settled for each in found.edges)
    assert not found.masks


def test_one_mask_serves_a_step_of_attention() -> None:
    found = {each.axis.name: each for each in edges(specialised("attention", "bf16", True).body)}
    assert list(found["j"].masks.values()) == [-np.inf]
    assert all(each.settled for along in found.values() for each in along.edges)


def test_a_variance_is_masked_and_a_sum_of_squares_is_not() -> None:
    variance = along_n(row_kernel("sum[N](away * away)", "row = x[m, N]", "away = row - sum[N](row) / 7"))
    assert list(variance.masks.values()) == [0]
    assert not along_n(row_kernel("sum[N](x[m, N] * x[m, N])")).masks


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("min[N](x[m, N])", "min[N](x[m, N]): wants inf, and x[m, N] is inf there"),
        ("last[N](x[m, N])", "last[N](x[m, N]): has to know where N ends"),
        ("sum[N](exp(x[m, N])) + prod[N](x[m, N])", "x[m, N] is filled with -inf"),
        ("sum[N](cumsum[N, reverse](x[m, N]))", "cumsum[N, reverse](x[m, N]): wants 0, and x[m, N] is 0 there"),
    ],
)
def test_what_readers_want(value: str, words: str) -> None:
    assert words in in_words(row_kernel(value).body)


def test_what_minds_nothing_is_told_nothing() -> None:
    kernel = parse("kernel k(x: f32[M]) -> y: f32[M]:\n    tile m of M:\n        y[m] = x[m]\n").kernels["k"]
    assert in_words(kernel.specialise({}, {}).body) == "no reader minds what stands beyond the end of an axis"


def test_the_ends_of_every_type_s_range() -> None:
    assert [identity("max", each) for each in (BF16, I8, U8, BOOL)] == [-np.inf, -128, 0, False]
    assert [identity("argmin", each) for each in (BF16, I8, U8, BOOL)] == [np.inf, 127, 255, True]


STEPS = ("exp({})", "{0} * {0}", "abs({})", "{} * 0.5", "{} - top", "max({}, 0)", "min({}, 2)", "where({} > 0, 1.5, {})", "-{}")


@st.composite
def rows(draw: st.DrawFn) -> Program:
    value = "row"
    for _ in range(draw(st.integers(0, 3))):
        value = draw(st.sampled_from(STEPS)).replace("{0}", value).replace("{}", value)
    fn = draw(st.sampled_from(("sum", "max", "min", "prod")))
    return row_kernel(f"{fn}[N]({value})", "row = x[m, N]", "top = max[N](row)")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows(), st.integers(1, 9), st.integers(1, 5), st.integers(0, 99))
def test_what_is_filled_up_shows_in_no_result(kernel: Program, extent: int, more: int, seed: int) -> None:
    """Where nothing is masked: the kernel on longer rows, filled as the edges say, gives what it gives without."""
    found = along_n(kernel)
    if found.masks or not all(each.settled for each in found.edges):
        return
    (filler,) = found.fills.values()
    x = np.random.default_rng(seed).integers(-3, 4, (4, extent)).astype(np.float32)
    longer = np.concatenate([x, np.full((4, more), filler, np.float32)], axis=1)
    short, long = (emulator.compile(kernel, {"M": 4, "N": each.shape[1]}, {"m": 4})({"x": each})["y"] for each in (x, longer))
    np.testing.assert_allclose(long, short, rtol=1e-5)
