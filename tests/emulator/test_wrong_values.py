"""Kernels of which the emulators once gave wrong values without a word, each a class of its own, against the plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tilery.backends import emulator
from tilery.backends.numbers import strided
from tilery.backends.numbers.rounding import numpy_dtype, to_storage
from tilery.dsl import bind_dimensions
from tilery.dsl.errors import UsageError
from tilery.dsl.types import BF16, I32

from ..judges import plain

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> Any:
    """Small whole numbers, of which every sum is exact."""
    return RNG.integers(-3, 4, shape).astype(np.float32)


def agree(text: str, arguments: dict[str, Any], tiles: dict[str, int]) -> None:
    """The fast emulator and the stepwise one give what the plain loop gives, the second time too."""
    kernel = plain.specialised(text, arguments, {}, {})
    tensors = {each.name for each in kernel.signature.tensors}
    dims = bind_dimensions(kernel.signature, {name: np.shape(each) for name, each in arguments.items() if name in tensors})
    want = plain.judged(kernel, arguments, tiles)
    assert want.exact
    fast = emulator.compile(kernel, dims, tiles)
    for got in (fast(arguments), fast(arguments), emulator.step_through(kernel, dims, tiles, arguments)):
        for name, each in want.results.items():
            np.testing.assert_array_equal(np.asarray(got[name], np.float64), each.astype(np.float64))


SQUARES = """
kernel squares(x: f32[B, C, S]) -> y: f32[C]:
    tile c of C:
        y[c] = sum[B, S](square(x[B, c, S] - 1))
"""
GRADIENT = """
kernel gradient(dy: bf16[B, M, S], x: bf16[B, S, N]) -> y: f32[M, N]:
    tile m of M, n of N:
        y[m, n] = dot[B, S](f32(dy[B, m, S]) * 2, relu(f32(x[B, S, n])))
"""
IN_A_LOOP = """
kernel in_a_loop(x: f32[B, K, M, S], w: f32[B, N, S, K]) -> y: f32[M, N]:
    tile m of M, n of N:
        acc = zeros[m, n]
        for k of K:
            acc += dot[B, S, k](x[B, k, m, S] + 1, w[B, n, S, k] - 1)
        y[m, n] = acc
"""
ROWS_APART = """
kernel rows_apart(q: f32[G, L, R, D], k: f32[L, D]) -> y: f32[L, G, R]:
    tile l of L:
        y[l, G, R] = dot[D](q[G, l, R, D] * 2, k[l, D] + 1)
"""


@pytest.mark.parametrize("text", [SQUARES, GRADIENT, IN_A_LOOP, ROWS_APART])
def test_computed_operands_whose_axes_do_not_lie_together(text: str) -> None:
    import ml_dtypes

    sizes = {"B": 3, "C": 4, "S": 5, "M": 4, "N": 3, "K": 6, "G": 2, "R": 3, "L": 4, "D": 5}
    head = text.split("(", 1)[1].split(")", 1)[0]
    given: dict[str, Any] = {}
    for each in head.split("], "):
        name, rest = each.rstrip("]").split(": ")
        element, dims = rest.split("[")
        given[name] = numbers(*(sizes[dim.strip()] for dim in dims.split(",")))
        given[name] = given[name].astype(ml_dtypes.bfloat16) if element == "bf16" else given[name]
    for size in (1, 2, 4):
        agree(text, given, dict.fromkeys((dim for dim in "cmnkl" if f"{dim} of" in text), size))


def test_a_view_that_would_be_a_copy_is_refused() -> None:
    from tilery.backends.emulator.frame import Layout

    layout = Layout()
    slot = layout.bind(layout.take(4 * 24), (2, 3, 4), np.dtype(np.float32))
    layout.derive(slot, lambda array: array.transpose(1, 0, 2).reshape(3, 8))
    with pytest.raises(AssertionError, match="copy"):
        layout.frame()


WINDOWS = """
kernel windows(x: f32[W, C], w: f32[S]) -> y: f32[2 * W + S - 2, C]:
    tile j of W, s of S, c of C:
        y[2 * j + s, c] += x[j, c] * w[s]
"""
PLANES = """
kernel planes(x: f32[P, Q], w: f32[R, S]) -> y: i32[P + R - 1, Q + S - 1]:
    tile p of P, q of Q:
        y[p + index[R], q + index[S]] += x[p, q] * w[R, S]
"""
SCATTERED_WINDOWS = """
kernel scattered_windows(ids: i32[N], x: f32[N, M], like: f32[V]) -> y: f32[V, M + 1]:
    tile n of N, m of M:
        at = (ids[n] * 3 + n) % V
        y[at, m + 1] += x[n, m]
"""


@pytest.mark.parametrize("size", [1, 2, 7])
def test_overlapping_additions_are_all_made(size: int) -> None:
    agree(WINDOWS, {"x": numbers(5, 2), "w": numbers(3)}, {"j": size, "s": size, "c": 2})
    agree(PLANES, {"x": numbers(4, 5), "w": numbers(2, 3)}, {"p": size, "q": size})
    ids = RNG.integers(0, 3, 8).astype(np.int32)
    agree(SCATTERED_WINDOWS, {"ids": ids, "x": numbers(8, 3), "like": numbers(3)}, {"n": size, "m": size})


def test_scattering_into_an_array_that_does_not_lie_together() -> None:
    ids = np.array([0, 1, 1, 2], np.int32)
    given = {"ids": ids, "x": numbers(4, 3), "like": numbers(3)}
    kernel = plain.specialised(SCATTERED_WINDOWS, given, {}, {})
    emulation = emulator.compile(kernel, {"N": 4, "M": 3, "V": 3}, {"n": 2, "m": 3})
    out = np.zeros((6, 8), np.float32)[::2, ::2]
    emulation(given, {"y": out})
    np.testing.assert_array_equal(out, emulation(given)["y"])


GUARDED = """
kernel guarded(x: f32[S, N]) -> y: f32[S]:
    tile s of S:
        total = zeros[s]
        for k of N by 1 if any(s >= k):
            total += sum[k](x[s, k])
        y[s] = total
"""


def test_a_guard_that_masks_nothing_goes_by_the_tiles_that_are_given() -> None:
    for size in (1, 2, 5):
        agree(GUARDED, {"x": numbers(6, 6)}, {"s": size, "k": 1})


NESTED = """
kernel nested(a: i32[S], b: i32[S, B]) -> (y: i32[B], z: i32[B]):
    tile t of B:
        total = full[t](0)
        for k of S:
            for q of k:
                total = total + dot[q](a[q], i32(cummax[q](b[q, t])))
        y[t] = total
        other = full[t](1)
        for r of S:
            other = other + sum[r](b[r, t] * a[r])
        z[t] = other
"""


def test_a_loop_in_a_loop_that_carry_one_name() -> None:
    """The inner loop's end gave the buffer of the outer one away."""
    a, b = (RNG.integers(-3, 4, shape).astype(np.int32) for shape in ((7,), (7, 5)))
    agree(NESTED, {"a": a, "b": b}, {"t": 5, "k": 3, "q": 2, "r": 3})


STORED_ONE_BY_ONE = """
kernel one_by_one(x: f32[N]) -> (y: i32[N], z: u8[N]):
    tile n of N by 1:
        y[n] = x[n] * 1.5
        z[n] = i8(x[n]) * 2 + i32(x[0] * 0.5)
"""


def test_single_numbers_are_stored_as_integers() -> None:
    agree(STORED_ONE_BY_ONE, {"x": np.array([1, -3, 100, np.nan, np.inf, -np.inf], np.float32)}, {"n": 1})
    assert to_storage(np.asarray(2.5, np.float32), I32).tolist() == 2


def test_a_row_stored_to_many_is_written_to_each() -> None:
    """More elements in one row than are rounded at a time."""
    row, out = np.arange(70_000, dtype=np.float32), np.zeros((3, 70_000), numpy_dtype(BF16))
    to_storage(row, BF16, out)
    np.testing.assert_array_equal(out[2].astype(np.float32), to_storage(row, BF16).astype(np.float32))
    np.testing.assert_array_equal(out[0].astype(np.float32), out[1].astype(np.float32))


def test_no_place_outside_an_array_is_read_or_written() -> None:
    array = np.arange(6, dtype=np.float32)
    with pytest.raises(strided.Outside):
        strided.strided(array, [strided.Run(0, [(0, 2), (1, 1)])], (3, 3))
    with pytest.raises(strided.Outside):
        strided.strided(array, [strided.Run(1, [(0, -1)])], (3,))
    assert strided.strided(array, [strided.Run(5, [(0, -1)])], (6,)).tolist() == array[::-1].tolist()


BY_DIGITS = """
kernel by_digits(x: T[N], y: T[N]) -> z: T[N]:
    require A == 128
    require F == (N + 127) // 128
    require N % 128 == 0
    tile a of A, f of F:
        z[a * F + f] = x[a * F + f] + y[a * F + f]
"""


def test_sizes_against_a_requirement_never_write_outside() -> None:
    """Whoever compiles for such sizes did not ask `check_requirements`."""
    x = np.ones(200, np.float32)
    kernel = plain.specialised(BY_DIGITS, {"x": x, "y": x}, {}, {})
    with pytest.raises(UsageError, match="the kernel asks for"):
        emulator.compile(kernel, {"N": 200}, {"a": 128, "f": 2})({"x": x, "y": x})
