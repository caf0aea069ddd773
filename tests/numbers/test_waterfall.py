"""Where the time goes, worked out on paper, in microseconds of Trainium 2."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tilery.backends import engine
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.explain.waterfall import Step, waterfall

from .programs import elementwise, product, program

NAMES = ["ideal", "blocking", "tails", "fill and drain", "buffer stalls", "fixed overheads"]
MOVED = 128 * 512 * 4 / 368e3
RUNS = 8 * 1.4 / 1e3
"""What an engine takes for eight runs of bytes."""
EXP = 512 / 1.2e3
"""Without its fixed cycles."""
SLOWER = "scalar.clock_hz=0.6e9"
FREE = (
    SLOWER,
    *("dma.latency_ns=0", "dma.trigger_ns=0", "dma.floor_ns=0", "dma.descriptor_ns=0"),
    *("tensor.min_cycles=0", "tensor.fixed_cycles=0", "tensor.warm_up_ns=0", "tensor.warm_share=0"),
    *("vector.fixed_cycles=0", "scalar.fixed_cycles=0", "scalar.accumulate_cycles=0", "gpsimd.fixed_cycles=0"),
)
DOT = "dot[K](a[K, m], b[K, n])"


SLOW = ("tensor.clock_hz=1.2e9",)
"""So that the products are the bound."""


def adds(made: EngineProgram) -> dict[str, float]:
    """What each effect adds; checks that they are all there, in order, and add up to the latency."""
    steps = waterfall(made)
    assert [step.name for step in steps] == NAMES
    total = 0.0
    for step in steps:
        total += step.adds_us
        assert step.adds_us >= 0 and step.total_us == pytest.approx(total)
    assert total == pytest.approx(engine.simulate(made).latency_us)
    return {step.name: step.adds_us for step in steps}


def why(made: EngineProgram) -> dict[str, str]:
    return {step.name: step.why for step in waterfall(made)}


def test_a_copy_loses_only_latencies() -> None:
    found = adds(program(elementwise("copy", "x[m, N]"), {"M": 128, "N": 512}))
    assert found == pytest.approx(
        {**dict.fromkeys(NAMES, 0.0), "ideal": 2 * MOVED, "fixed overheads": 0.74 + 2 * (0.32 + RUNS)}, abs=1e-6
    )


def test_a_chain_of_one_tile_fills_and_drains() -> None:
    made = program(elementwise("copy", "exp(x[m, N])"), {"M": 128, "N": 512})
    found = adds(made)
    fixed = 0.74 + 2 * (0.32 + RUNS) + 60 / 1.2e3
    expected = {**dict.fromkeys(NAMES, 0.0), "ideal": 2 * MOVED, "fill and drain": EXP, "fixed overheads": fixed}
    assert found == pytest.approx(expected, abs=1e-6)
    assert why(made)["ideal"] == "every tensor moved once" and "dma" in why(made)["fill and drain"]


def test_short_transfers_lose_by_their_floor() -> None:
    found = adds(program(elementwise("copy", "x[m, N]"), {"M": 128, "N": 64}))
    moved = 128 * 64 * 4 / 368e3
    assert found["ideal"] == pytest.approx(2 * moved)
    assert found["fixed overheads"] == pytest.approx(0.74 + 2 * 0.32 + 2 * (0.467 - moved))


def test_operands_that_are_loaded_again_are_blocking() -> None:
    made = program(product("matmul", DOT), {"M": 512, "N": 512, "K": 256}, {"m": 128, "hoist.b": "none"})
    found = adds(made)
    assert found["ideal"] == pytest.approx((256 * 512 * 2 * 2 + 512 * 512 * 4) / 368e3)
    assert found["blocking"] == pytest.approx(3 * 256 * 512 * 2 / 368e3)
    assert why(made)["blocking"] == "dma engine: tensors loaded more than once, rows for a part of the engines"


def test_a_ragged_last_tile_of_one_row_costs_what_a_full_one_costs() -> None:
    shape = {"M": 129, "N": 512, "K": 1024}
    made = program(product("matmul", DOT, "f32"), shape, {"m": 128, "hoist.b": "m"}, what_if=SLOW)
    found = adds(made)
    block = 4 * 512 / 1.2e3
    assert found["ideal"] == pytest.approx(8 * block * 129 / 128)
    assert found["blocking"] == pytest.approx(0, abs=1e-6)
    assert found["tails"] == pytest.approx(8 * block * 127 / 128)
    assert why(made)["ideal"] == "every product at peak rate" and why(made)["tails"] == "tensor engine: ragged last tiles"


def test_an_unfilled_array_is_blocking() -> None:
    made = program(product("matmul", DOT, "f32"), {"M": 96, "N": 512, "K": 1024}, {"hoist.b": "m"}, what_if=SLOW)
    found = adds(made)
    block = 4 * 512 / 1.2e3
    assert found["ideal"] + found["blocking"] == pytest.approx(8 * block)
    assert why(made)["blocking"] == "tensor engine: unfilled rows and columns, transposes"


def test_elementwise_work_beside_the_ideal() -> None:
    made = program(
        elementwise("copy", "exp(x[m, N])", "bf16"), {"M": 512, "N": 2048}, {"m": 128}, what_if=("scalar.clock_hz=1.2e8",)
    )
    found = adds(made)
    moved = 2 * 512 * 2048 * 2 / 368e3
    assert found["ideal"] == pytest.approx(moved)
    assert found["blocking"] == pytest.approx(4 * 2048 / 1.2e2 - moved)
    assert why(made)["blocking"] == "scalar engine: elementwise work beside the products"


def test_waits_for_slots_are_what_more_slots_would_save() -> None:
    text, shape = elementwise("copy", "exp(x[m, N])"), {"M": 1024, "N": 512}
    few = program(text, shape, {"m": 128, "buffers.x": 1, "buffers.y": 1}, what_if=(SLOWER,))
    free = program(text, shape, {"m": 128, "buffers.x": 1, "buffers.y": 1}, what_if=FREE)
    many = program(text, shape, {"m": 128, "buffers.x": 8, "buffers.y": 8}, what_if=FREE)
    saved = engine.simulate(free).latency_us - engine.simulate(many).latency_us
    assert saved > 0.5
    assert adds(few)["buffer stalls"] == pytest.approx(saved)


def test_cores_share_the_ideal() -> None:
    made = program(elementwise("copy", "exp(x[m, N])"), {"M": 1024, "N": 512}, {"m": 128})
    shared = replace(made, cores=8)
    assert adds(shared)["ideal"] == pytest.approx(2 * MOVED)
    made = program(product("matmul", DOT), {"M": 512, "N": 512, "K": 256}, {"m": 128, "hoist.b": "none"})
    shared = replace(made, cores=4)
    assert adds(shared)["ideal"] == pytest.approx((256 * 512 * 2 * 2 + 512 * 512 * 4) / 368e3 / 4)
    made = program(product("matmul", DOT, "f32"), {"M": 192, "N": 512, "K": 1024}, {"m": 96, "hoist.b": "m"}, what_if=SLOW)
    shared = replace(made, cores=2)
    assert adds(shared)["ideal"] == pytest.approx(8 * 4 * 512 / 1.2e3 * 96 / 128)


def test_steps_are_plain_records() -> None:
    (first, *_) = waterfall(program(elementwise("copy", "x[m, N]"), {"M": 128, "N": 512}))
    assert first == Step("ideal", "every tensor moved once", first.adds_us, first.total_us)
