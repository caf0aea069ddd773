"""Both bounds on a latency, worked out on paper, in microseconds of Trainium 2."""

from __future__ import annotations

import numpy as np
import pytest

from tilery.backends import engine
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.time.bounds import lower_bound_s, upper_bound_s

from .programs import busy_ns, dma_ns, elementwise, product, program

TRIGGER, ARRIVAL, WARM_UP = 0.74, 0.32, 1.5
MOVED = dma_ns(512 * 4) / 1e3
"""A [128, 512] tile of f32."""
EXP = (60 + 512) / 1.2e3
COPIED = (60 + 512) / 0.96e3
SHAPE = {"M": 128, "N": 512}


def lower_us(made: EngineProgram) -> float:
    return float(lower_bound_s(made.structure, made.dims, made.tiles)) * 1e6


def upper_us(made: EngineProgram) -> float:
    return float(upper_bound_s(made.structure, made.dims, made.tiles)) * 1e6


def test_a_chain_of_one_tile_takes_its_lower_bound() -> None:
    made = program(elementwise("copy", "exp(x[m, N])"), SHAPE)
    whole = TRIGGER + MOVED + ARRIVAL + EXP + MOVED + ARRIVAL
    assert lower_us(made) == pytest.approx(whole) == pytest.approx(engine.simulate(made).latency_us)
    assert upper_us(made) == pytest.approx(whole)


def test_four_tiles_keep_the_busiest_engine_busy() -> None:
    made = program(elementwise("copy", "exp(x[m, N])"), {"M": 512, "N": 512}, {"m": 128})
    assert lower_us(made) == pytest.approx(TRIGGER + 8 * MOVED + ARRIVAL)
    assert upper_us(made) == pytest.approx(TRIGGER + 4 * (2 * MOVED + 2 * ARRIVAL + EXP))


def test_an_engine_waits_for_its_data_and_its_result_has_still_to_leave() -> None:
    slow = ("scalar.fixed_cycles=6000",)
    made = program(elementwise("copy", "exp(x[m, N])"), {"M": 512, "N": 512}, {"m": 128}, what_if=slow)
    work = 4 * (6000 + 512) / 1.2e3
    assert lower_us(made) == pytest.approx(TRIGGER + MOVED + ARRIVAL + work + MOVED + ARRIVAL)


def test_a_chain_is_as_short_as_its_shortest_steps() -> None:
    slow = ("scalar.fixed_cycles=6000",)
    made = program(elementwise("copy", "exp(x[m, N])"), {"M": 136, "N": 2048}, {"m": 128}, what_if=slow)
    short, work = dma_ns(2048 * 4) / 1e3, 2 * (6000 + 2048) / 1.2e3
    assert lower_us(made) == pytest.approx(TRIGGER + short + ARRIVAL + work + short + ARRIVAL)


def test_work_without_data_begins_at_once() -> None:
    text = "kernel f(x: f32[M, N]) -> y: f32[M, N]:\n    tile m of M:\n        y[m, N] = zeros[m, N]\n"
    made = program(text, SHAPE, what_if=("vector.fixed_cycles=6000", "gpsimd.fixed_cycles=6000"))
    (name,) = [name for name in busy_ns(made) if name != "dma"]
    work = busy_ns(made)[name] / 1e3
    assert work > 5 and lower_us(made) == pytest.approx(work + MOVED + ARRIVAL)


def test_chains_beside_each_other_do_not_wait_for_each_other() -> None:
    text = (
        "kernel f(x: f32[M, N], w: f32[M, N]) -> (y: f32[M, N], z: f32[M, N]):\n    tile m of M:\n"
        "        y[m, N] = x[m, N] * 2\n        z[m, N] = exp(w[m, N])\n"
    )
    slow = ("scalar.fixed_cycles=6000", "vector.fixed_cycles=6000")
    made = program(text, SHAPE, {"engine.mul": "vector"}, what_if=slow)
    work = (6000 + 512) / 0.96e3
    assert lower_us(made) == pytest.approx(TRIGGER + MOVED + ARRIVAL + work + MOVED + ARRIVAL)


def test_the_tensor_engine_warms_up() -> None:
    made = program(product("matmul", "dot[K](a[K, m], b[K, n])"), {"M": 256, "N": 512, "K": 256})
    work = 4 * (512 + 10) / 2.4e3
    least, short = dma_ns(512, rows=256) / 1e3, dma_ns(1024, rows=256) / 1e3
    stored = TRIGGER + short + ARRIVAL + WARM_UP + work + COPIED + MOVED + ARRIVAL
    assert lower_us(made) == pytest.approx(stored)
    assert upper_us(made) == pytest.approx(
        TRIGGER + WARM_UP + work + 2 * COPIED + (least + ARRIVAL) + (short + ARRIVAL) + 2 * (MOVED + ARRIVAL)
    )


GUARDED = """
kernel f(x: f32[M, N]) -> y: f32[M]:
    tile m of M:
        acc = zeros[m]
        for n of N if any(CONDITION):
            acc += sum[n](exp(x[m, n]))
        y[m] = acc
"""


@pytest.mark.parametrize("condition", ["n >= m + N", "n < m", "n < m + N"])
def test_what_a_guard_may_leave_out_is_not_counted_on(condition: str) -> None:
    slow = ("scalar.fixed_cycles=60000", "scalar.accumulate_cycles=0")
    made = program(GUARDED.replace("CONDITION", condition), {"M": 256, "N": 512}, {"m": 128, "n": 256}, what_if=slow)
    found = busy_ns(made).get("scalar", 0.0) / 1e3
    # The walk counts whole femtoseconds.
    assert found <= lower_us(made) <= engine.simulate(made).latency_us * (1 + 1e-9) <= upper_us(made)
    if condition == "n >= m + N":
        assert found == 0 and lower_us(made) < 5
    else:
        # From the first exp on, its data is loaded before it.
        assert lower_us(made) > found + TRIGGER + ARRIVAL


def test_a_first_tile_that_the_guard_leaves_out_is_done_before_the_others() -> None:
    text = GUARDED.replace("CONDITION", "n + 128 < m").replace("exp(x[m, n])", "x[m, n]").replace("= acc", "= exp(acc)")
    slow = ("scalar.fixed_cycles=60000", "vector.fixed_cycles=60000", "gpsimd.fixed_cycles=0")
    made = program(text, {"M": 256, "N": 128}, {"m": 128, "n": 128}, what_if=slow)
    assert 2 * 50 < lower_us(made) <= engine.simulate(made).latency_us * (1 + 1e-9)


@pytest.mark.parametrize("slow", [(), ("scalar.fixed_cycles=6000",)])
def test_arrays_of_configurations_have_the_bounds_of_each(slow: tuple[str, ...]) -> None:
    text = elementwise("copy", "exp(x[m, N])")
    sizes = np.array([32, 64, 96, 128, 200, 256, 512])
    made = program(text, {"M": 512, "N": 512}, {"m": 128}, what_if=slow)
    for bound in (lower_bound_s, upper_bound_s):
        each = [float(bound(one.structure, one.dims, one.tiles)) for one in
                (program(text, {"M": 512, "N": 512}, {"m": int(size)}, what_if=slow) for size in sizes)]  # fmt: skip
        found = np.asarray(bound(made.structure, made.dims, {"m": sizes}))
        np.testing.assert_allclose(found, each)
