"""Scans hold the bits that the language defines: one element after the other, each step rounded; and errors pass through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery.backends import emulator
from tilery.backends.numbers.rounding import Array
from tilery.backends.operations import numerics
from tilery.backends.truth.error_scans import ScanErrors
from tilery.backends.truth.reference import reference
from tilery.dsl import parse
from tilery.dsl.functions import SCANS
from tilery.dsl.types import F32

Step = Callable[[Any, list[Any]], Any]
STEPS: dict[str, Step] = {
    "cumsum": lambda h, x: h + x[0],
    "cumprod": lambda h, x: h * x[0],
    "cummax": lambda h, x: np.maximum(h, x[0]),
    "cummin": lambda h, x: np.minimum(h, x[0]),
    "scan": lambda h, x: h * x[0] + x[1],
}
FIRST = {"cumsum": 0, "cumprod": 1, "cummax": -np.inf, "cummin": np.inf, "scan": 0}


def one_by_one(fn: str, operands: list[Array], axis: int, exclusive: bool, reverse: bool) -> Array:
    """The definition, number by number of numpy, each of which rounds."""
    dtype = np.result_type(*operands)
    terms = [np.broadcast_to(each, np.broadcast_shapes(*(x.shape for x in operands))).astype(dtype) for each in operands]
    out = np.empty(terms[0].shape, dtype)
    for place in np.ndindex(*out.shape[:axis], 1, *out.shape[axis + 1 :]):
        row = (*place[:axis], slice(None), *place[axis + 1 :])
        number = {-np.inf: np.iinfo(np.int32).min, np.inf: np.iinfo(np.int32).max}.get(FIRST[fn]) if dtype.kind == "i" else None
        h = terms[2][row][0] if len(terms) == 3 else dtype.type(FIRST[fn] if number is None else number)
        order = range(out.shape[axis])[:: -1 if reverse else 1]
        for at in order:
            after = STEPS[fn](h, [each[row][at] for each in terms[:2]])
            out[row][at] = h if exclusive else after
            h = after
    return out


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_bits_of_the_definition(data: st.DataObject) -> None:
    fn = data.draw(st.sampled_from(sorted(SCANS)))
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    axis = data.draw(st.integers(0, len(shape) - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    whole = data.draw(st.booleans())

    def drawn(extents: tuple[int, ...]) -> Array:
        if whole:
            return rng.integers(-(2**31), 2**31, extents).astype(np.int32)
        return (rng.standard_normal(extents) * 10.0 ** rng.integers(-3, 3, extents)).astype(np.float32)

    thin = tuple(1 if place == axis or rng.random() < 0.3 else extent for place, extent in enumerate(shape))
    narrow = tuple(extent if place == axis or rng.random() < 0.7 else 1 for place, extent in enumerate(shape))
    operands = [drawn(narrow if len(SCANS[fn]) > 1 else shape), drawn(shape), drawn(thin)][
        : data.draw(st.sampled_from(SCANS[fn]))
    ]
    exclusive, reverse = data.draw(st.booleans()), data.draw(st.booleans())
    with np.errstate(all="ignore"):
        want = one_by_one(fn, operands, axis, exclusive, reverse)
    got = numerics.scan(fn, operands, axis, exclusive, reverse)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("scale", [1.0, 1e-38, 1e-44, 1e38])
def test_few_rows_have_the_bits_of_many(scale: float) -> None:
    """Few are done in Python, many by numpy: the same with infinities, NaN, overflow and the smallest numbers."""
    rng = np.random.default_rng(7)
    with np.errstate(over="ignore"):
        a, b = (rng.standard_normal((12, 300)).astype(np.float32) * np.float32(each) for each in (1.3, scale))
    a[range(3), rng.integers(50, 300, 3)] = [np.inf, np.nan, 0]
    many = numerics.scan("scan", [a, b], 1)
    few = np.concatenate([numerics.scan("scan", [a[row : row + 2], b[row : row + 2]], 1) for row in range(0, 12, 2)])
    np.testing.assert_array_equal(
        np.where(np.isnan(few), 0, few.view(np.int32)), np.where(np.isnan(many), 0, many.view(np.int32))
    )
    np.testing.assert_array_equal(np.isnan(few), np.isnan(many))


TEXT = """
kernel f(a: T[B, M, N], b: T[B, M, N], h0: f32[M, B]) -> (y: f32[B, M, N], z: f32[B, M, N], end: f32[B, M]):
    reference:
        y[B, M, N] = scan[N](a[B, M, N], b[B, M, N], h0[M, B])
        z[B, M, N] = scan[M, exclusive, reverse](a[B, M, N], b[B, M, N])
        end[B, M] = last[N](scan[N](a[B, M, N], b[B, M, N], h0[M, B]))
    tile bb of B, m of M:
        h = h0[m, bb]
        for n of N:
            part = scan[n](a[bb, m, n], b[bb, m, n], h)
            y[bb, m, n] = part
            h = last[n](part)
        end[bb, m] = h
    tile bz of B, nz of N:
        z[bz, M, nz] = scan[M, exclusive, reverse](a[bz, M, nz], b[bz, M, nz])
"""


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3), st.integers(1, 6), st.integers(1, 40), st.integers(1, 40))
def test_tiles_change_no_bit(bb: int, m: int, n: int, nz: int) -> None:
    """What a tile leaves is where the next one starts: the same steps, the same roundings, however long the tiles are."""
    kernel, dims = parse(TEXT).kernels["f"].specialise({"T": F32}, {}), {"B": 3, "M": 6, "N": 37}
    rng = np.random.default_rng(0)
    arguments: dict[str, Array | float] = {name: rng.standard_normal((3, 6, 37)).astype(np.float32) for name in "ab"}
    arguments["h0"] = rng.standard_normal((6, 3)).astype(np.float32)
    a, b, start = (np.asarray(arguments[name]) for name in ("a", "b", "h0"))
    whole = numerics.scan("scan", [a, b, start.T[..., None]], 2)
    tiles = {"bb": bb, "m": m, "n": n, "bz": bb, "nz": nz}
    for got in (emulator.compile(kernel, dims, tiles)(arguments), emulator.step_through(kernel, dims, tiles, arguments)):
        np.testing.assert_array_equal(got["y"], whole)
        np.testing.assert_array_equal(got["end"], whole[..., -1])
        np.testing.assert_array_equal(got["z"], numerics.scan("scan", [a, b], 1, exclusive=True, reverse=True))
    np.testing.assert_allclose(whole, reference(kernel, dims, arguments)["y"], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("fn", [name for name in SCANS if name not in ("cummax", "cummin")])
@pytest.mark.parametrize("independent", [True, False])
def test_errors_pass_through_as_they_are_said_to(fn: str, independent: bool) -> None:
    """Each operand in turn moved by a part in 10,000, every element in a direction of its own or all in one."""
    rng = np.random.default_rng(3)
    operands = [rng.uniform(0.7, 1.2, (40, 1)), rng.normal(size=(40, 1)), rng.normal(size=(1, 1))][: max(SCANS[fn])]
    plain = numerics.scan(fn, operands, 0)
    errors = ScanErrors(fn, [np.broadcast_to(each, plain.shape) for each in operands], plain)
    for place, operand in enumerate(operands):
        moved = []
        for _ in range(400 if independent else 2):
            directions = rng.choice([-1.0, 1.0], operand.shape if independent else (1, 1))
            changed = [each + 1e-4 * directions if number == place else each for number, each in enumerate(operands)]
            moved.append(numerics.scan(fn, changed, 0) - plain)
        off = np.sqrt(np.mean(np.square(moved), axis=0))
        said = np.sqrt(errors.passed_on(place, np.full(plain.shape, 1e-8), independent))
        if independent:
            np.testing.assert_allclose(said, off, rtol=0.2)
        else:  # of terms of both signs one error may cancel, which the bound does not count on
            assert (off <= said * 1.01).all()


@pytest.mark.parametrize("fn", ["cumsum", "cumprod", "scan"])
def test_roundings_stay_within_what_is_said(fn: str) -> None:
    rng = np.random.default_rng(5)
    operands = [rng.uniform(0.9, 1.1, (300, 50)).astype(np.float32) for _ in range(2)][: min(2, max(SCANS[fn]))]
    wide = [each.astype(np.float64) for each in operands]
    want = numerics.scan(fn, wide, 0)
    said = np.sqrt(ScanErrors(fn, wide, want).added(2.0**-24))
    off = np.abs(numerics.scan(fn, operands, 0) - want)
    assert (off <= 4 * said).all()
    assert off.max() > 0.02 * said.max()  # and not by far more than there are


@pytest.mark.parametrize("fn", ["first", "last"])
def test_ends_keep_their_type_and_say_where(fn: str) -> None:
    text = "kernel f(x: bf16[M, N, K], y: bool[M, N]) -> (a: bf16[M], b: bool[M]):\n    tile m of M:\n"
    text += f"        a[m] = {fn}[K, N](x[m, N, K])\n        b[m] = {fn}[N](y[m, N])\n"
    kernel = parse(text).kernels["f"].specialise({}, {})
    x = np.arange(4 * 3 * 5, dtype=np.float32).reshape(4, 3, 5)
    y = np.arange(12).reshape(4, 3) % 2 == 0
    place = 0 if fn == "first" else -1
    from ml_dtypes import bfloat16

    got = emulator.compile(kernel, {"M": 4, "N": 3, "K": 5}, {"m": 3})({"x": x.astype(bfloat16), "y": y})
    np.testing.assert_array_equal(got["a"].astype(np.float32), x[:, place, place])
    np.testing.assert_array_equal(got["b"], y[:, place])
