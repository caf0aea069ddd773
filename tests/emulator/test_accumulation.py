"""The order in which f32 sums are rounded: as the tile program has it, unless `fast_accumulate` is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery import dsl
from tilery.backends import emulator
from tilery.backends.emulator import blas
from tilery.backends.emulator.stepping.stepwise import step_through
from tilery.backends.truth import data
from tilery.dsl import program
from tilery.dsl.types import F32

KERNELS = Path(__file__).parents[2] / "kernels"


def matmul(name: str = "matmul") -> program.Program:
    return dsl.load(KERNELS / f"{name}.tk").kernels[name].specialise({"T": F32}, {})


@pytest.mark.parametrize("name", ["matmul", "matmul_kmajor"])
def test_steps_of_one_are_added_in_order_to_the_last_bit(name: str) -> None:
    """With k by 1 nothing is left to BLAS: ((a0 b0) + a1 b1) + ..., each rounded."""
    kernel, dims = matmul(name), {"M": 70, "N": 50, "K": 90}
    tiles = {"m": 32, "n": 16, "k": 1}
    arguments = data.random_arguments(kernel, dims, 0)
    got = emulator.compile(kernel, dims, tiles)(arguments)["c"]
    np.testing.assert_array_equal(got, step_through(kernel, dims, tiles, arguments)["c"])
    fast = emulator.compile(kernel, dims, tiles, fast_accumulate=True)(arguments)["c"]
    assert not np.array_equal(got, fast)
    np.testing.assert_allclose(fast, got, rtol=0, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["matmul", "matmul_kmajor"]),
    st.integers(1, 40),
    st.sampled_from([7, 33, 1024, 2048]),
    st.integers(1, 200),
    st.integers(1, 64),
    st.integers(0, 9),
)
def test_every_step_rounds_once_and_in_order(name: str, m: int, n: int, k: int, depth: int, seed: int) -> None:
    """Products small and whole, so that the sum of a step is exact whoever adds it; a total so large that adding it rounds.

    N of 1024 and 2048 is where products are added up beside the result.
    """
    kernel, dims = matmul(name), {"M": m, "N": n, "K": k}
    rng = np.random.default_rng(seed)
    a = rng.integers(-3, 4, (m, k)).astype(np.float32)
    b = rng.integers(-3, 4, (k, n)).astype(np.float32)
    a[:, :depth] = 0  # the first step leaves just the large number
    a[:, 0], b[0] = 2.0**13, 2.0**13 + rng.integers(0, 2, n)
    want = np.zeros((m, n), np.float32)
    for start in range(0, k, depth):
        want += a[:, start : start + depth] @ b[start : start + depth]
    given_a = a if name == "matmul" else np.ascontiguousarray(a.T)
    first, second = (each.name for each in kernel.signature.tensors)
    got = emulator.compile(kernel, dims, {"m": 16, "n": 512, "k": depth})({first: given_a, second: b})["c"]
    np.testing.assert_array_equal(got, want)


def test_partial_sums_overflow_where_the_chip_would_lose_them() -> None:
    """Tile after tile: 1e30 + 1 - 1e30 is 0 across tiles of one."""
    a = np.array([[1e30, 1.0, -1e30]], np.float32)
    kernel = matmul()
    dims = {"M": 1, "K": 3, "N": 1}
    got = emulator.compile(kernel, dims, {"m": 1, "n": 1, "k": 1})({"a": a, "b": np.ones((3, 1), np.float32)})
    assert got["c"] == 0


LAYOUTS = ("C", "F", "sliced", "every other")


def laid_out(rows: int, columns: int, layout: str, rng: np.random.Generator) -> np.ndarray:
    match layout:
        case "sliced":
            return rng.standard_normal((rows + 3, columns + 5), np.float32)[2 : rows + 2, 1 : columns + 1]
        case "every other":
            return rng.standard_normal((rows, 2 * columns), np.float32)[:, ::2]
        case _:
            return np.asarray(rng.standard_normal((rows, columns), np.float32), order="F" if layout == "F" else "C")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), *[st.sampled_from(LAYOUTS)] * 3, st.integers(0, 9))
def test_adding_a_product_in_place_is_adding_the_product(
    m: int, n: int, k: int, left: str, right: str, out: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b, total = laid_out(m, k, left, rng), laid_out(k, n, right, rng), laid_out(m, n, out, rng)
    want = total.astype(np.float64) + a.astype(np.float64) @ b.astype(np.float64)
    blas.add_product(a, b, total, np.empty((m, n), np.float32))
    np.testing.assert_allclose(total, want, rtol=0, atol=4e-5)


def test_without_its_blas_numpy_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "_gemm", lambda: None)
    test_steps_of_one_are_added_in_order_to_the_last_bit("matmul")
