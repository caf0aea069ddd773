"""The shape that a finalist is executed at satisfies all that its kernel requires, and is ragged where it may be."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tilery.backends.chips import load_chip
from tilery.dsl import check_requirements, parse, program
from tilery.dsl.errors import TileryError
from tilery.dsl.types import F32
from tilery.tuner.verify.execution import verify
from tilery.tuner.verify.small_shape import LARGEST_WORK, MOST_WORK, TooLarge, small_dims

ROWS = """
kernel add(x: f32[N], y: f32[N]) -> z: f32[N]:
    require A == 128
    require F == N // 128
    require N % 128 == 0, "whole rows of 128 partitions"
    reference:
        z[N] = x[N] + y[N]
    tile a of A, f of F:
        z[a * F + f] = x[a * F + f] + y[a * F + f]
"""

PRODUCT = """
kernel product(a: T[M, K], b: T[K, N], like: T[G]) -> c: T[M, N]:
{requirements}
    tile m of M, n of N:
        acc = zeros[m, n]
        for k of K:
            acc += a[m, k] @ b[k, n]
        c[m, n] = acc
"""

SIZES = st.sampled_from((1, 3, 12, 128, 200, 384, 4096, 65536))
TERM = st.sampled_from(("M", "N", "K", "G", "M + K", "2 * N", "N // 3", "K - G", "128", "7"))


@st.composite
def requirement(draw: st.DrawFn) -> str:
    """Something about sizes, true at some and false at others."""
    left, right = draw(TERM), draw(TERM)
    kind = draw(st.sampled_from(("{0} % 64 == 0", "{0} >= {1}", "{0} == {1}", "{0} % max({1}, 1) == 0", "{0} > 2 or {1} < 9")))
    return kind.format(left, right)


def specialised(text: str, types: Mapping[str, str] | None = None) -> program.Program:
    definition = next(iter(parse(text).kernels.values()))
    return definition.specialise(dict.fromkeys(definition.signature.type_variables, F32), {})


@settings(max_examples=60, deadline=None)
@given(st.lists(requirement(), max_size=3), st.fixed_dictionaries(dict.fromkeys("MNKG", SIZES)))
def test_a_small_shape_is_one_that_a_caller_could_give(requirements: list[str], dims: dict[str, int]) -> None:
    kernel = specialised(PRODUCT.format(requirements="\n".join(f"    require {each}" for each in requirements)))
    try:
        check_requirements(kernel, dims)
    except TileryError:
        assume(False)
    try:
        small = small_dims(kernel, dims, {"m": 128, "n": 512, "k": 128})
    except TooLarge:
        assert math.prod(dims.values()) > MOST_WORK
        return
    check_requirements(kernel, small)
    assert list(small) == list(dims)
    assert all(1 <= small[name] <= dims[name] for name in dims)
    assert math.prod(small.values()) <= LARGEST_WORK


@pytest.mark.parametrize(
    ("requirements", "wanted"),
    [
        ("    require K % 128 == 0", {"M": 187, "N": 763, "K": 256}),
        ("    require M == N", {"M": 763, "N": 763, "K": 187}),
        ("    require K == 4096", {"K": 4096}),
    ],
)
def test_loops_keep_a_second_step_where_the_requirements_leave_one(requirements: str, wanted: dict[str, int]) -> None:
    dims = {"M": 4096, "K": 4096, "N": 4096, "G": 1}
    small = small_dims(specialised(PRODUCT.format(requirements=requirements)), dims, {"m": 128, "n": 512, "k": 128})
    assert {name: small[name] for name in wanted} == wanted


def test_what_the_requirements_leave_too_large_is_said() -> None:
    text = PRODUCT.format(requirements="    require M == 65536 and N == 65536 and K == 65536")
    dims = {"M": 65536, "K": 65536, "N": 65536, "G": 1}
    with pytest.raises(TooLarge, match="too large to be executed: M = 65536, K = 65536"):
        small_dims(specialised(text), dims, {"m": 128, "n": 512, "k": 128})


def test_an_axis_that_is_an_expression_gets_its_steps() -> None:
    small = small_dims(specialised(ROWS), {"N": 2**24}, {"a": 64, "f": 32})
    assert small["N"] % 128 == 0
    assert small["N"] // 128 == 43  # a tile of 32 and a half, less 5


def test_a_kernel_cut_by_hand_is_verified_at_whole_rows() -> None:
    found = verify(specialised(ROWS), {"N": 2**20}, load_chip("trn2"), {"a": 128, "f": 512}, seed=0)
    assert found.ok, found.problem
    assert found.dims["N"] % 128 == 0
