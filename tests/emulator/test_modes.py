"""Stochastic rounding, float64 throughout, probes, and the bound on scratch memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tilery import dsl
from tilery.backends import emulator
from tilery.backends.emulator import Probes, step_through
from tilery.backends.numbers.rounding import all_stored
from tilery.backends.numbers.rounding_modes import HighPrecision, StochasticArithmetic
from tilery.backends.numbers.stochastic import stochastic
from tilery.backends.operations import numerics
from tilery.backends.truth import accuracy, data
from tilery.backends.truth.reference import reference
from tilery.dsl import program
from tilery.dsl.errors import UsageError
from tilery.dsl.types import BF16, F8E4M3, F8E5M2, F16, F32, ElementType

KERNELS = Path(__file__).parents[2] / "kernels"
NARROW = (BF16, F16, F8E4M3, F8E5M2)


def specialised(name: str, t: ElementType, **constants: bool) -> program.Program:
    return dsl.load(KERNELS / f"{name}.tk").kernels[name].specialise({"T": t}, constants)


# --- stochastic rounding ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", NARROW, ids=str)
def test_what_is_on_the_grid_stays(t: ElementType) -> None:
    stored = all_stored(t)
    numbers = numerics.to_compute(stored, t)
    got = stochastic(numbers, t, np.random.default_rng(0))
    np.testing.assert_array_equal(got, numbers)
    assert np.array_equal(np.signbit(got), np.signbit(numbers))


@pytest.mark.parametrize("t", NARROW, ids=str)
def test_the_expectation_is_the_number(t: ElementType) -> None:
    """Within five standard errors, for normal and denormal numbers of both signs; and never beyond a neighbour."""
    stored = all_stored(t)
    grid = np.unique(numerics.to_compute(stored, t))
    grid = grid[np.isfinite(grid)]
    rng, draws = np.random.default_rng(1), 40_000
    for place in (1, grid.size // 2 - 2, grid.size // 2 + 1, 3 * grid.size // 4, grid.size - 2):
        low, high = grid[place], grid[place + 1]
        for share in (0.125, 0.5, 0.75):
            x = np.float32(low + (high - low) * share)
            if not low < x < high:
                continue
            got = stochastic(np.full(draws, x), t, rng)
            assert set(np.unique(got)) <= {low, high}
            ups = float(np.mean(got == high))
            exact = (float(x) - float(low)) / (float(high) - float(low))
            assert abs(ups - exact) < 5 * np.sqrt(exact * (1 - exact) / draws)


def test_seeds() -> None:
    kernel, dims = specialised("matmul", BF16), {"M": 40, "K": 30, "N": 50}
    arguments = data.random_arguments(kernel, dims, 0)
    tiles = {"m": 16, "n": 16, "k": 16}
    one, again, other = (
        step_through(kernel, dims, tiles, arguments, StochasticArithmetic(seed))["c"].view(np.uint16) for seed in (1, 1, 2)
    )
    assert np.array_equal(one, again) and not np.array_equal(one, other)


# --- float64 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["matmul", "attention", "linear_gelu", "softmax", "rmsnorm"])
def test_high_precision_leaves_no_rounding(name: str) -> None:
    kernel = specialised(name, BF16)
    dims = dict.fromkeys(kernel.signature.dimensions, 37)
    tiles = {each.axis.name: 1 if each.by.choices else 16 for each in kernel.loop_variables}
    arguments = data.random_arguments(kernel, dims, 0)
    got = step_through(kernel, dims, tiles, arguments, HighPrecision())
    assert all(each.dtype == np.float64 for each in got.values())
    assert accuracy.compare(kernel, dims, got, reference(kernel, dims, arguments)).max_error < 1e-12


# --- probes -----------------------------------------------------------------------------------------------------------


def test_a_probe_is_the_whole_value(tmp_path: Path) -> None:
    kernel, dims, tiles = specialised("attention", F32, causal=False), {"H": 2, "S": 9, "L": 7, "D": 4}, {"h": 1, "i": 4, "j": 3}
    arguments = data.random_arguments(kernel, dims, 0)
    probes = Probes(kernel, dims, tiles, ["s", "total"])
    step_through(kernel, dims, tiles, arguments, probes=probes)
    (scores,) = (name for name in probes.arrays if name.startswith("s_"))
    q, k = (np.asarray(arguments[name]) for name in "qk")
    want = np.einsum("hid,hjd->hij", q, k) * np.float32(arguments["scale"])
    np.testing.assert_allclose(probes.arrays[scores], want, rtol=0, atol=1e-5)
    assert probes.axes[scores] == ("h", "i", "j")
    _, after = (name for name in probes.arrays if name.startswith("total_"))
    assert probes.axes[after] == ("j", "i", "h") and probes.arrays[after].shape == (3, 9, 2)
    probes.save(tmp_path / "p.npz")
    with np.load(tmp_path / "p.npz") as saved:
        assert saved[f"{after}.axes"].tolist() == ["j", "i", "h"] and np.array_equal(saved[after], probes.arrays[after])


def test_steps_left_out_are_nan_in_a_probe() -> None:
    kernel, dims, tiles = specialised("attention", F32, causal=True), {"H": 1, "S": 8, "L": 8, "D": 4}, {"h": 1, "i": 4, "j": 4}
    probes = Probes(kernel, dims, tiles, ["p"])
    step_through(kernel, dims, tiles, data.random_arguments(kernel, dims, 0), probes=probes)
    ((name, array),) = probes.arrays.items()
    lined_up = array.transpose([probes.axes[name].index(axis) for axis in ("h", "i", "j")])[0]
    assert np.isnan(lined_up[:4, 4:]).all() and not np.isnan(lined_up[4:]).any()


def test_a_name_that_is_not_there() -> None:
    kernel = specialised("matmul", F32)
    with pytest.raises(UsageError, match="binds no `ac`; did you mean `acc`"):
        Probes(kernel, {"M": 1, "N": 1, "K": 1}, {"m": 1, "n": 1, "k": 1}, ["ac"])


# --- memory -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["matmul", "attention", "linear_gelu", "softmax", "rmsnorm"])
@pytest.mark.parametrize("t", [F32, BF16, F8E4M3], ids=str)
@pytest.mark.parametrize("scratch_mib", [4, 64])
def test_scratch_stays_within_its_bound(name: str, t: ElementType, scratch_mib: int) -> None:
    kernel = specialised(name, t)
    sizes = {"H": 2, "S": 1024, "L": 1024, "D": 64, "M": 1500, "N": 1400, "K": 1300}
    dims = {each: sizes[each] for each in kernel.signature.dimensions}
    tiles = {
        each.axis.name: {"m": 128, "n": 512, "k": 128, "i": 128, "j": 512}.get(each.axis.name, 1)
        for each in kernel.loop_variables
    }
    arguments = data.random_arguments(kernel, dims, 0)
    emulation = emulator.compile(kernel, dims, tiles, scratch_bytes=scratch_mib << 20)
    results = {
        each.name: np.empty(emulation.shapes[each.name], numerics.numpy_dtype(each.element)) for each in kernel.signature.results
    }
    tracemalloc.start()
    try:
        emulation(arguments, results)
        emulation(arguments, results)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= scratch_mib << 20
