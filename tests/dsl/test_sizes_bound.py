"""Sizes from shapes and constants: what is bound fits the shapes, and everything else is refused in words."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilery.dsl import UsageError, bind_dimensions, check_requirements, parse
from tilery.dsl.specialise.dimensions import bind_shapes
from tilery.dsl.types import F32

TEXT = """
kernel f(
    x: T[..., groups * C, W + 2 * pad], w: T[C, 1 or ..., K], b: T[K, ...], groups: int, pad: int = 1, s: int = 2
) -> y: T[..., P]:
    require P == (W - K) // s + 1
    tile r of ..., p of P:
        y[r, p] = x[r, 0, s * p] + w[0, r, 0] + b[0, r]
"""
SIGNATURE = parse(TEXT).kernels["f"].signature
EXTENTS = st.integers(0, 5)


@given(st.lists(EXTENTS, max_size=3), EXTENTS, st.integers(0, 9), EXTENTS, st.integers(1, 4), st.integers(0, 3), st.booleans())
def test_what_made_the_shapes_is_found_again(
    leading: list[int], c: int, w: int, k: int, groups: int, pad: int, one: bool
) -> None:
    shapes = {
        "x": (*leading, groups * c, w + 2 * pad),
        "w": (c, *([1] if one else leading), k),
        "b": (k, *leading),
    }
    found = bind_shapes(SIGNATURE, shapes, {"groups": groups, "pad": pad})
    assert found.dims == {"...": prod(leading), "C": c, "W": w, "K": k} and found.leading == tuple(leading)
    assert found.ones == ({"w....": 1} if one and prod(leading) != 1 else {})


@pytest.mark.parametrize(
    ("x", "w", "b", "message"),
    [
        ((2, 6, 9), (3, 5, 4), (4, 2), r"`1 or \.\.\.` in `w: T\[C, 1 or \.\.\., K\]` was given \[5\] with \.\.\. = 2"),
        ((2, 6, 9), (3, 2, 4), (4, 3), r"`\.\.\.` is \[2\] in `x: .*` and \[3\] in `b: T\[K, \.\.\.\]`"),
        ((2, 7, 9), (3, 2, 4), (4, 2), r"`C \* groups` is 6 with C = 3, groups = 2, and `x: .*` was given 7"),
        ((2, 6, 1), (3, 2, 4), (4, 2), r"no whole number makes `W \+ 2 \* pad` in .* come to 1 with pad = 1"),
        ((9,), (3, 2, 4), (4, 2), r"has 2 dimensions or more, and the shape given is \[9\]"),
    ],
)
def test_shapes_that_fit_nothing(x: tuple[int, ...], w: tuple[int, ...], b: tuple[int, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        bind_dimensions(SIGNATURE, {"x": x, "w": w, "b": b}, {"groups": 2})


def test_a_size_that_divides_by_a_dimension_of_no_elements() -> None:
    text = "kernel f(x: T[W], y: T[S]) -> z: T[W // S]:\n    tile p of W // S:\n        z[p] = x[S * p] + y[0]\n"
    with pytest.raises(UsageError, match="`W // S` divides by zero: `S` is 0"):
        check_requirements(parse(text).kernels["f"].specialise({"T": F32}, {}), {"W": 4, "S": 0})


def test_names_that_rest_on_others_in_any_order() -> None:
    text = "kernel f(x: T[N], k: int = 2) -> y: T[Q]:\n    require Q == P // k\n    require P == N - k\n"
    text += "    axis G of Q\n    tile q of Q:\n        y[q] = x[k * q]\n"
    kernel = parse(text).kernels["f"].specialise({"T": F32}, {})
    assert kernel.signature.dimensions == ("N",) and str(kernel.signature.results[0].shape[0]) == "(N - 2) // 2"
