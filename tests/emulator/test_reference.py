"""The reference in float64, what is taken for equal to it, and the data it is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tilery import dsl
from tilery.backends.operations import numerics
from tilery.backends.truth import accuracy, data
from tilery.backends.truth import reference as reference_module
from tilery.backends.truth.comparison import Comparison
from tilery.backends.truth.reference import reference
from tilery.dsl import program
from tilery.dsl.errors import SourceErrors, UsageError
from tilery.dsl.types import BF16, F8E4M3, F16, F32, ElementType

KERNELS = Path(__file__).parents[2] / "kernels"


def specialised(name: str, t: ElementType = F32) -> program.Program:
    return dsl.load(KERNELS / f"{name}.tk").kernels[name].specialise({"T": t}, {})


def attention_by_hand(q: numerics.Array, k: numerics.Array, v: numerics.Array, scale: float) -> numerics.Array:
    s = np.einsum("hid,hjd->hij", q.astype(np.float64), k.astype(np.float64)) * scale
    s[:, np.triu(np.ones(s.shape[1:], bool), 1)] = -np.inf
    p = np.exp(s - s.max(-1, keepdims=True))
    return np.asarray(np.einsum("hij,hjd->hid", p, v) / p.sum(-1, keepdims=True))


@pytest.mark.parametrize("block_bytes", [64 << 20, 2000, 1])
def test_attention_whole_and_in_slices(monkeypatch: pytest.MonkeyPatch, block_bytes: int) -> None:
    monkeypatch.setattr(reference_module, "BLOCK_BYTES", block_bytes)
    kernel, dims = specialised("attention", BF16), {"H": 3, "S": 17, "L": 19, "D": 5}
    arguments = data.random_arguments(kernel, dims, 1)
    q, k, v = (np.asarray(arguments[name]) for name in "qkv")
    want = attention_by_hand(q, k, v, float(arguments["scale"]))
    np.testing.assert_allclose(reference(kernel, dims, arguments)["o"], want, rtol=1e-12)


def test_a_product_that_is_summed_is_never_built() -> None:
    """M x K x N would be 3.4 GB."""
    kernel, dims = specialised("matmul"), {"M": 700, "N": 800, "K": 750}
    arguments = data.random_arguments(kernel, dims, 0)
    a, b = (np.asarray(arguments[name], np.float64) for name in "ab")
    np.testing.assert_allclose(reference(kernel, dims, arguments)["c"], a @ b, rtol=1e-12, atol=1e-12)


CHAIN = """
kernel chain(a: f32[M, K], b: f32[K, L], c: f32[L], s: f32) -> (y: f32[M], n: i32[M]):
    reference:
        y[M] = sum[K, L](a[M, K] * b[K, L] * c[L] * s)
        n[M] = sum[K](where(a[M, K] > 0, 1, 0)) // 2
    tile m of M:
        y[m] = sum[K, L](a[m, K] * b[K, L] * c[L] * s)
        n[m] = sum[K](where(a[m, K] > 0, 1, 0)) // 2
"""


def test_sums_of_several_factors() -> None:
    kernel = dsl.parse(CHAIN).kernels["chain"].specialise({}, {})
    dims = {"M": 4, "K": 5, "L": 6}
    arguments = data.random_arguments(kernel, dims, 0)
    a, b, c = (np.asarray(arguments[name], np.float64) for name in "abc")
    got = reference(kernel, dims, arguments)
    np.testing.assert_allclose(got["y"], a @ b @ c * float(arguments["s"]), rtol=1e-12)
    assert got["n"].tolist() == ((a > 0).sum(1) // 2).tolist()


STEPS = """
kernel steps(x: f32[B, S, D], w: f32[D, D]) -> (y: f32[B, S, D], z: f32[D, B]):
    axis G of D
    reference:
        half = x[B, 0, D] / 2
        h = half
        total = zeros[B]
        for s of S by 1:
            h = tanh(h[B, G] @ w[G, D] + x[B, s, D] + half)
            for q of S by 1:
                for r in 0..3:
                    total += r * sum[s, q, D](x[B, s, D] * x[B, q, D])
            y[B, s, D] = h
        z[D, B] = h + total
    tile b of B:
        half = x[b, 0, D] / 2
        h = half
        total = zeros[b]
        for s of S by 1:
            h = tanh(h[b, G] @ w[G, D] + x[b, s, D] + half)
            for q of S:
                for r in 0..3:
                    total += r * sum[s, q, D](x[b, s, D] * x[b, q, D])
            y[b, s, D] = h
        z[D, b] = h + total
"""


@pytest.mark.parametrize("block_bytes", [64 << 20, 100, 1])
def test_steps_that_need_the_one_before(monkeypatch: pytest.MonkeyPatch, block_bytes: int) -> None:
    """Loops in loops, counted ones, a state read along another axis; whole and in slices."""
    monkeypatch.setattr(reference_module, "BLOCK_BYTES", block_bytes)
    kernel, dims = dsl.parse(STEPS).kernels["steps"].specialise({}, {}), {"B": 3, "S": 4, "D": 5}
    arguments = data.random_arguments(kernel, dims, 2)
    x, w = (np.asarray(arguments[name], np.float64) for name in "xw")
    h, states = x[:, 0] / 2, []
    for step in range(dims["S"]):
        h = np.tanh(h @ w + x[:, step] + x[:, 0] / 2)
        states.append(h)
    got = reference(kernel, dims, arguments)
    np.testing.assert_allclose(got["y"], np.stack(states, 1), rtol=1e-12)
    total = 3 * np.einsum("bsd,bqd->b", x, x)
    np.testing.assert_allclose(got["z"], (h + total[:, None]).T, rtol=1e-12)


def test_a_reference_with_steps_and_a_kernel_with_tiles_share_a_name() -> None:
    text = STEPS.replace("tile b of B:", "tile b of B by 1..64:").replace("for q of S:", "for q of S by {2, 4}:")
    assert dsl.parse(text).kernels["steps"].kernel.reference
    with pytest.raises(SourceErrors, match="a `reference` has no tiles"):
        dsl.parse(STEPS.replace("for q of S by 1:", "for q of S:"))


def test_without_a_reference_there_is_nothing_to_compare_with() -> None:
    kernel = dsl.parse("kernel f(x: f32[M]) -> y: f32[M]:\n    tile m of M:\n        y[m] = x[m]\n").kernels["f"]
    with pytest.raises(UsageError, match="no `reference:`"):
        reference(kernel.specialise({}, {}), {"M": 1}, {})


# --- accuracy ---------------------------------------------------------------------------------------------------------


def compared(got: list[float], want: list[float], t: ElementType = F32) -> Comparison:
    kernel = dsl.parse("kernel f(x: T[M]) -> y: T[M]:\n    tile m of M:\n        y[m] = x[m]\n").kernels["f"]
    stored = numerics.to_storage(np.array(got, np.float32), t)
    return accuracy.compare(kernel.specialise({"T": t}, {}), {"M": len(got)}, {"y": stored}, {"y": np.array(want)})


def test_errors_are_on_the_scale_of_the_result() -> None:
    found = compared([1e-9, 1.0, -1.0], [0.0, 1.0, -1.0])
    assert found.ok
    found = compared([1.0, 1.5, -1.0], [1.0, 1.0, -1.0])
    assert not found.ok
    assert (found.max_error, found.worst_index) == (0.5, (1,))
    assert "worst at y[1]: got 1.5, want 1" in str(found)


@pytest.mark.parametrize(("got", "want"), [(np.nan, 1.0), (1.0, np.nan), (np.inf, 1.0), (1.0, np.inf), (np.inf, -np.inf)])
def test_what_is_no_number_on_one_side_only_is_wrong(got: float, want: float) -> None:
    found = compared([got, 1.0], [want, 1.0])
    assert not found.ok
    assert found.max_error == np.inf


def test_what_is_no_number_on_both_sides_is_right() -> None:
    values = [np.nan, np.inf, -np.inf, *np.arange(1.0, 10.0)]
    assert compared(values, values).ok
    assert compared([np.inf, 1.0], [1e6, 1.0], F16).ok, "f16 ends at 65504"
    assert compared([], []).ok


def test_storing_may_lose_half_a_unit_and_what_underflows() -> None:
    assert compared([1.0 + 2**-7], [1.0 + 2**-7 + 2**-9], BF16).ok
    assert not compared([1.0 + 2**-7], [1.0 + 2**-6], BF16).ok
    assert compared([0.0, 0.0], [0.0009, 0.0008], F8E4M3).ok


def test_tolerances_grow_with_reductions_and_casts() -> None:
    dims = {"H": 1, "S": 64, "L": 64, "D": 64, "M": 4, "N": 4, "K": 64}
    matmul, attention = specialised("matmul"), specialised("attention", BF16)
    assert accuracy.tolerance(matmul, dims, F32) < accuracy.tolerance(matmul, {**dims, "K": 4096}, F32) < 1e-4
    assert 5 * 2**-8 < accuracy.tolerance(attention, dims, BF16) < 6 * 2**-8


# --- data -------------------------------------------------------------------------------------------------------------


def test_arguments_are_the_same_for_the_same_seed_and_scaled_for_products() -> None:
    kernel, dims = specialised("linear_gelu", BF16), {"M": 64, "N": 64, "K": 256}
    first, second, third = (data.random_arguments(kernel, dims, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(np.asarray(first["w"]).view(np.uint16), np.asarray(second["w"]).view(np.uint16))
    assert (np.asarray(first["w"]) != np.asarray(third["w"])).any()
    assert np.asarray(first["x"]).dtype == numerics.numpy_dtype(BF16)
    product = np.asarray(first["x"], np.float32) @ np.asarray(first["w"], np.float32)
    assert 0.9 < product.std() < 1.1


def test_scalars_have_their_default_or_something_modest() -> None:
    assert data.random_arguments(specialised("rmsnorm"), {"M": 1, "N": 1}, 0)["eps"] == 1e-5
    scale = data.random_arguments(specialised("attention"), {"H": 1, "S": 1, "L": 1, "D": 1}, 0)["scale"]
    assert 0.5 <= float(scale) <= 1.0
