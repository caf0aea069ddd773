"""The emulator is the tile program: whatever the shapes and the tiles, it agrees with tile-by-tile execution and with float64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery import dsl
from tilery.backends import emulator
from tilery.backends.emulator.stepping.stepwise import step_through
from tilery.backends.operations import numerics
from tilery.backends.operations.numerics import Array
from tilery.backends.truth import accuracy, data
from tilery.backends.truth.reference import reference
from tilery.dsl import program
from tilery.dsl.errors import UsageError
from tilery.dsl.types import BF16, F32, ElementType

KERNELS = Path(__file__).parents[2] / "kernels"
SHIPPED = ("matmul", "matmul_kmajor", "linear_gelu", "softmax", "rmsnorm", "attention")


def specialised(name: str, t: ElementType = F32, **constants: bool) -> program.Program:
    return dsl.load(KERNELS / f"{name}.tk").kernels[name].specialise({"T": t}, constants)


def parsed(text: str, t: ElementType = F32) -> program.Program:
    (definition,) = dsl.parse(text).kernels.values()
    return definition.specialise({"T": t} if definition.signature.type_variables else {}, {})


def poisoned(kernel: program.Program, dims: Mapping[str, int]) -> dict[str, Array]:
    """Results full of NaN, to see that every element is written."""
    shapes = {each: [program.size_value(size, dims) for size in each.shape] for each in kernel.signature.results}
    return {
        each.name: np.full(shape, np.nan if each.element.kind == "float" else 77, numerics.numpy_dtype(each.element))
        for each, shape in shapes.items()
    }


def check(kernel: program.Program, dims: Mapping[str, int], tiles: Mapping[str, int], scratch_bytes: int = 1 << 28) -> None:
    """Emulator against the oracle, and against the reference if there is one."""
    arguments = data.random_arguments(kernel, dims, 0)
    emulation = emulator.compile(kernel, dims, tiles, scratch_bytes=scratch_bytes)
    got = emulation(arguments, poisoned(kernel, dims))
    again = emulation(arguments, poisoned(kernel, dims))
    for name in got:
        np.testing.assert_array_equal(got[name].view(np.uint8), again[name].view(np.uint8))
    wanted = {name: each.astype(np.float64) for name, each in step_through(kernel, dims, tiles, arguments).items()}
    found = accuracy.compare(kernel, dims, got, wanted, arguments)
    assert found.max_error <= 2 * found.tolerance, f"against the oracle, which rounds too: {found}"
    if kernel.reference:
        exact = reference(kernel, dims, arguments)
        found = accuracy.compare(kernel, dims, got, exact, arguments)
        # One element far out on the tail of `gelu` has no neighbours whose size would be its scale: its own plain execution has.
        plain = accuracy.compare(kernel, dims, step_through(kernel, dims, tiles, arguments), exact)
        assert found.max_error <= found.tolerance + 2 * plain.max_error, f"against the reference: {found}"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_shipped_kernels_at_any_shape_and_tiling(draw: st.DataObject) -> None:
    name = draw.draw(st.sampled_from(SHIPPED))
    constants = {"causal": draw.draw(st.booleans())} if name == "attention" else {}
    kernel = specialised(name, draw.draw(st.sampled_from((F32, BF16))), **constants)
    extents = st.one_of(st.integers(1, 4), st.integers(5, 70))
    dims = {each: draw.draw(extents, each) for each in kernel.signature.dimensions}
    tiles = {
        each.axis.name: each.by.choices[0] if each.by.choices else draw.draw(extents, each.axis.name)
        for each in kernel.loop_variables
    }
    check(kernel, dims, tiles, draw.draw(st.sampled_from((1 << 28, 1 << 14))))


EMPTY = [(name, each) for name in SHIPPED for each in specialised(name).signature.dimensions if each not in "KL"]


@pytest.mark.parametrize(("name", "empty"), EMPTY)
def test_dimensions_of_no_elements(name: str, empty: str) -> None:
    kernel = specialised(name)
    dims = {each: 0 if each == empty else 5 for each in kernel.signature.dimensions}
    check(kernel, dims, {each.axis.name: 1 if each.by.choices else 4 for each in kernel.loop_variables})


def test_a_contraction_of_no_elements_is_zero() -> None:
    kernel = specialised("matmul")
    dims = {"M": 3, "N": 4, "K": 0}
    arguments = data.random_arguments(kernel, dims, 0)
    got = emulator.compile(kernel, dims, {"m": 2, "n": 2, "k": 2})(arguments, poisoned(kernel, dims))
    assert not got["c"].any()


@pytest.mark.parametrize("name", ["matmul", "attention", "linear_gelu"])
@pytest.mark.parametrize("t", [F32, BF16], ids=str)
def test_long_enough_for_several_workers_and_chunks(name: str, t: ElementType) -> None:
    kernel = specialised(name, t)
    sizes = {"H": 2, "S": 530, "L": 530, "D": 32, "M": 700, "N": 650, "K": 300}
    dims = {each: sizes[each] for each in kernel.signature.dimensions}
    tiles = {"m": 128, "n": 512, "k": 128, "h": 1, "i": 128, "j": 128}
    check(kernel, dims, {each.axis.name: tiles[each.axis.name] for each in kernel.loop_variables})


TRANSPOSE = """
kernel transpose(x: T[M, N]) -> y: T[N, M]:
    tile m of M, n of N:
        y[n, m] = x[m, n]
"""
SWAP = """
kernel swap(x: f32[M, N]) -> (a: f32[M], b: f32[M]):
    tile m of M:
        p = zeros[m]
        q = full[m](1.0)
        for n of N:
            r = p
            p = q
            q = r + max[n](x[m, n])
        a[m] = p
        b[m] = q
"""
WINDOW = """
kernel window(x: T[S, L]) -> y: f32[S]:
    reference:
        y[S] = sum[L](where(index[L] + 3 >= index[S] and index[L] <= index[S], x[S, L], 0.0))
    tile i of S:
        total = zeros[i]
        for j of L if any(j + 3 >= i and j <= i):
            total += sum[j](where(j + 3 >= i and j <= i, x[i, j], 0.0))
        y[i] = total
"""
MEAN = """
kernel spread(x: T[B, M, N]) -> (mean_: f32[B, N], top: i32[B, N], all_: f32[B]):
    tile b of B, n of N:
        v = x[b, M, n]
        mean_[b, n] = mean[M](v)
        top[b, n] = argmax[M](v)
    tile b2 of B:
        all_[b2] = sum[M, N](x[b2, M, N]) * N + M
"""
POSITIONS = """
kernel grid(x: f32[M, N]) -> y: f32[M, N]:
    tile m of M, n of N:
        y[m, n] = (m * 10 + n) / 3 + (n % 4) * x[m, n] // 1
"""
CUT = """
kernel cut(x: T[M, N], w: T[N]) -> (y: f32[M], z: f32[M, N]):
    reference:
        y[M] = sum[N](x[M, N] * w[N])
        z[M, N] = x[M, N] + index[N]
    tile m of M:
        total = zeros[m]
        for n of N:
            part = zeros[m]
            for k of n:
                part += sum[k](x[m, k] * w[k])
            total += part
        y[m] = total
    tile i of M, j of N:
        for r of j:
            z[i, r] = x[i, r] + r
"""
CUT_PRODUCT = """
kernel product(a: T[M, K], b: T[K, N]) -> c: f32[M, N]:
    reference:
        c[M, N] = sum[K](a[M, K] * b[K, N])
    tile m of M, n of N:
        acc = zeros[m, n]
        for k of K:
            for q of k if any(q % 7 < 6):
                acc += where(q % 7 < 6, a[m, q], 0) @ where(q % 7 < 6, b[q, n], 0)
            for q of k if any(q % 7 > 5):
                acc += where(q % 7 > 5, f32(a[m, q]), 0) @ f32(b[q, n])
        c[m, n] = acc
"""


@pytest.mark.parametrize("text", [TRANSPOSE, SWAP, WINDOW, MEAN, POSITIONS, CUT, CUT_PRODUCT])
@pytest.mark.parametrize("t", [F32, BF16], ids=str)
@pytest.mark.parametrize("extent", [1, 2, 9, 40])
def test_other_programs(text: str, t: ElementType, extent: int) -> None:
    kernel = parsed(text, t)
    dims = {each: extent + number for number, each in enumerate(kernel.signature.dimensions)}
    # Single elements of four loops inside each other would be a million steps at the largest extent.
    for size in (1, 4, 64) if extent < 40 else (9, 64):
        check(kernel, dims, {each.axis.name: max(1, size // 3) if each.axis.parent else size for each in kernel.loop_variables})


BAND = """
kernel band(x: T[B, S, L], fill: f32) -> y: f32[B, S, L]:
    tile b of B, i of S, j of L:
        y[b, i, j] = where(WHERE, x[b, i, j], fill)
"""
MASKS = ("j <= i", "j <= i and j + 5 > i", "(i + j) % 3 > 0", "i % 7 > 2 or j > 40", "j % 64 < 33", "i > 20", "b + j > i")


@pytest.mark.parametrize("where", MASKS)
def test_masks_of_positions_to_the_bit(where: str) -> None:
    """NaN that a mask leaves out is gone, and NaN that it keeps stays."""
    kernel, dims = parsed(BAND.replace("WHERE", where)), {"B": 3, "S": 90, "L": 130}
    arguments = dict(data.random_arguments(kernel, dims, 0))
    np.asarray(arguments["x"])[:, ::5, ::3] = np.nan
    for tiles in ({"b": 1, "i": 128, "j": 128}, {"b": 2, "i": 33, "j": 50}):
        for fill in (-np.inf, np.nan, 1.5):
            arguments["fill"] = fill
            want = step_through(kernel, dims, tiles, arguments)["y"]
            for scratch_bytes in (1 << 28, 1 << 12):
                emulation = emulator.compile(kernel, dims, tiles, scratch_bytes=scratch_bytes)
                for _ in range(2):
                    np.testing.assert_array_equal(emulation(arguments)["y"], want)


def split_k(t: ElementType) -> program.Program:
    """`tile m of M, n of N, k of K: c[m, n] += dot[k](a[m, k], b[k, n])`, made from matmul."""
    kernel = specialised("matmul", t)
    (tile_loop,) = (each for each in kernel.body if isinstance(each, program.TileLoop))
    (for_loop,) = (each for each in tile_loop.body if isinstance(each, program.ForLoop))
    (store,) = (each for each in tile_loop.body if isinstance(each, program.Store))
    loads_and_dot = for_loop.body[:3]
    dot = loads_and_dot[2]
    assert isinstance(dot, program.Dot)
    body = (*loads_and_dot, replace(store, value=dot.result, accumulate=True))
    return replace(kernel, body=(replace(tile_loop, variables=(*tile_loop.variables, for_loop.variable), body=body),))


@pytest.mark.parametrize("extent", [1, 3, 150])
def test_accumulating_stores(extent: int) -> None:
    for size in (1, 4, 64):
        if extent // size < 50:
            check(split_k(F32), {"M": extent, "N": 5, "K": extent}, {"m": size, "n": 2, "k": size})


def test_guarded_steps_are_left_out() -> None:
    """Causal attention never reads what lies above the diagonal: it may hold NaN."""
    kernel = specialised("attention", causal=True)
    dims = {"H": 1, "S": 8, "L": 600, "D": 4}
    arguments = data.random_arguments(kernel, dims, 0)
    values = np.asarray(arguments["v"])
    values[:, 64:] = np.nan
    got = emulator.compile(kernel, dims, {"h": 1, "i": 4, "j": 64})(arguments)
    assert np.isfinite(got["o"]).all()


WRONG = [
    ({"b": None}, "argument b is missing"),
    ({"a": np.zeros((3, 4), np.float64)}, "argument a should hold f32 (numpy: float32), not float64"),
    ({"a": np.zeros((3, 5), np.float32)}, "argument a should have the shape (3, 4) of [M, K], not (3, 5)"),
    ({"a": 1.0}, "argument a should be an array, not float"),
    ({"z": 1.0}, "has no argument z; it has a, b"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_calls_are_told(change: dict[str, object], message: str) -> None:
    kernel = specialised("matmul")
    dims = {"M": 3, "K": 4, "N": 5}
    arguments = {**data.random_arguments(kernel, dims, 0), **change}
    emulation = emulator.compile(kernel, dims, {"m": 2, "n": 2, "k": 2})
    with pytest.raises(UsageError) as caught:
        emulation({name: value for name, value in arguments.items() if value is not None})  # type: ignore[misc]
    assert message in str(caught.value)


def test_wrong_compilations_are_told() -> None:
    kernel = specialised("matmul")
    for dims, tiles, message in (
        ({"M": 3, "K": 4}, {"m": 2, "n": 2, "k": 2}, "dimension N needs a size"),
        ({"M": 3, "K": 4, "N": 5}, {"m": 2, "n": 2}, "tile variable k needs a size"),
        ({"M": 3, "K": 4, "N": 5}, {"m": 2, "n": 2, "k": 2, "q": 1}, "no tile variable q"),
    ):
        with pytest.raises(UsageError, match=message):
            emulator.compile(kernel, dims, tiles)


FIXED = """
kernel fixed(x: f32[M, N]) -> y: f32[M, N]:
    tile m of M by 1, n of N by {by}:
        y[m, n] = x[m, n] * 2
"""


def test_tile_sizes_that_the_text_fixes_need_not_be_given() -> None:
    arguments, dims = {"x": np.arange(120, dtype=np.float32).reshape(3, 40)}, {"M": 3, "N": 40}
    (definition,) = dsl.parse(FIXED.format(by=16)).kernels.values()
    got = step_through(definition.specialise({}, {}), dims, {}, arguments)["y"]
    np.testing.assert_array_equal(got, 2 * arguments["x"])
    (definition,) = dsl.parse(FIXED.format(by="{16, 32}")).kernels.values()
    with pytest.raises(UsageError, match="tile variable n needs a size"):
        step_through(definition.specialise({}, {}), dims, {}, arguments)
