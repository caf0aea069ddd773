"""What buffers take of the memories on the chip, counted on paper; and what is told of programs that take too much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.capacity import largest, shortage, usage
from tilery.backends.machine.engine_program import Buffer
from tilery.backends.machine.segments import segments
from tilery.backends.trainium.buffer_sizes import takes
from tilery.backends.trainium.chip_tables import trainium
from tilery.dsl import parse
from tilery.dsl.program import Axis
from tilery.dsl.types import BF16, ELEMENT_TYPES, F32, ElementType

from .programs import elementwise, product, program

CHIP = trainium(load_chip("trn2"))
EXTENTS = {"m": 1000, "n": 3000, "k": 40}


def buffer(
    memory: str, names: str, partition: str = "", element: ElementType = F32, runs: str = "", whole: str = "", unit: str = ""
) -> Buffer:
    """One with axes of these one-letter names."""
    axes = {name: Axis(name, name.upper(), whole=False, unit=name in unit) for name in names}
    return Buffer("x", memory, element, tuple(axes.values()), axes.get(partition), 1, whole=frozenset(whole), runs=axes.get(runs))


@pytest.mark.parametrize(
    ("made", "tiles", "taken"),
    [
        (buffer("sbuf", "mn", "m"), {"m": 128, "n": 512}, 512 * 4),
        (buffer("sbuf", "mn", "m", BF16), {"m": 129, "n": 512}, 2 * 512 * 2),  # a row more is another fold
        (buffer("sbuf", "mn"), {"m": 3, "n": 5}, 3 * 5 * 4),  # a copy in every partition
        (buffer("sbuf", "m", "m"), {"m": 300}, 3 * 4),
        (buffer("sbuf", "m", runs="m"), {"m": 300}, 3 * 4),  # runs of two elements, and a rest
        (buffer("sbuf", "mn", "m", whole="m"), {"m": 130, "n": 7}, 8 * 2 * 7 * 4),  # eight tiles of 1000 rows, each of two folds
        (buffer("sbuf", "mn", "m", whole="n"), {"m": 64, "n": 7}, 3000 * 4),
        # Banks hold 512 numbers of 4 bytes a partition.
        (buffer("psum", "mn", "m"), {"m": 128, "n": 512}, 1),
        (buffer("psum", "mn", "m"), {"m": 128, "n": 513}, 2),
        (buffer("psum", "mn", "m"), {"m": 256, "n": 512}, 2),
        (buffer("psum", "mn", "m"), {"m": 256, "n": 256}, 1),  # two small folds share one
        (buffer("psum", "mnk", "m"), {"m": 128, "n": 3, "k": 40}, 1),
        (buffer("psum", "mnk", "m"), {"m": 128, "n": 30, "k": 40}, 30),  # else every outer position has its own
        (buffer("psum", "mnk", "m"), {"m": 200, "n": 3, "k": 600}, 2 * 3 * 2),
        (buffer("psum", "mnk", "m", unit="n"), {"m": 128, "n": 1, "k": 600}, 2),
        (buffer("psum", "mkn", "m", unit="n"), {"m": 128, "n": 1, "k": 600}, 2),
        (buffer("psum", "m", "m"), {"m": 128}, 1),
        (buffer("psum", "m", "m"), {"m": 300 * 128}, 1),  # 300 folds of a number each
        (replace(buffer("sbuf", "mn", "m"), blocks={"m": 128}), {"m": 256, "n": 7}, 7 * 4),  # a block of a tile is held
    ],
)
def test_what_a_buffer_takes(made: Buffer, tiles: dict[str, int], taken: int) -> None:
    assert takes(made, CHIP, lambda axis: tiles[axis.name], lambda axis: EXTENTS[axis.name]) == taken
    # Of arrays of tile sizes each has its own.
    pair = takes(made, CHIP, lambda axis: np.array([1, tiles[axis.name]]), lambda axis: EXTENTS[axis.name])
    assert np.broadcast_to(pair, 2)[1] == taken


def test_half_a_byte_takes_one() -> None:
    half = next(each for each in ELEMENT_TYPES.values() if each.bytes == 0.5)
    assert takes(buffer("sbuf", "mn", "m", half), CHIP, lambda axis: 5, lambda axis: 5) == 3


def test_a_program_takes_what_its_slots_take() -> None:
    text = elementwise("two", "exp(x[m, N]) * z[m, N]")
    one, three = (usage(program(text, {"M": 256, "N": 1000}, {"m": 128, "buffers.x": slots, "buffers.z": 1})) for slots in (1, 3))
    assert three["sbuf"] - one["sbuf"] == 2 * 1000 * 4
    assert one["psum"] == three["psum"] == 0


def test_what_does_not_fit_is_told_with_its_largest_buffers() -> None:
    text = elementwise("two", "exp(x[m, N]) * z[m, N]")
    shape, config = {"M": 256, "N": 20_000}, {"m": 128, "buffers.x": 2, "buffers.z": 3, "buffers.work": 1, "buffers.y": 1}
    with pytest.raises(engine.Infeasible) as told:
        program(text, shape, config)
    made = program(text, shape, config, what_if=("sbuf.bytes_per_partition=1000000",))
    needed = usage(made)["sbuf"]
    assert shortage(made) is None
    assert told.value.limit == "sbuf" and told.value.over == needed - CHIP.sbuf.bytes_per_partition
    assert "largest: z 240,000 bytes in 3 slots, x 160,000 bytes in 2 slots, " in str(told.value)
    assert "z is the largest buffer" in str(told.value) and "3:34" in str(told.value)
    assert [(size, slots) for size, slots, _ in largest(made, "sbuf")][:2] == [(240_000, 3), (160_000, 2)]
    assert len(largest(made, "sbuf")) == 3
    exact = program(text, shape, config, what_if=(f"sbuf.bytes_per_partition={needed}",))
    assert shortage(exact) is None
    with pytest.raises(engine.Infeasible, match=": 1 too many"):
        program(text, shape, config, what_if=(f"sbuf.bytes_per_partition={needed - 1}",))


def test_the_largest_is_that_with_most_bytes_and_not_with_most_slots() -> None:
    made = program(elementwise("scales", "x[m, N] * w[m]"), {"M": 256, "N": 500}, {"m": 128, "buffers.x": 2, "buffers.w": 3})
    _, slots, first = largest(made, "sbuf")[0]
    assert (str(first), slots) == ("x", 2)


def test_the_largest_are_those_of_the_fullest_phase() -> None:
    text = """kernel f(x: f32[M, N], w: bf16[N, K]) -> (y: f32[M, K], z: f32[M, N]):
    temp h: bf16[M, N]
    tile m of M:
        h[m, N] = bf16(exp(x[m, N]))
    tile m of M:
        y[m, K] = h[m, N] @ w[N, K]
        z[m, N] = exp(x[m, N]) + f32(h[m, N]) + 2
"""
    made = program(text, {"M": 128, "N": 128, "K": 300})
    one, other = (set(each) for each in segments(made.structure))
    assert {each.memory for _, _, each in largest(made, "psum")} == {"psum"}
    assert {each for _, _, each in largest(made, "sbuf")} <= other - one


def test_psum_is_told_in_banks() -> None:
    text = product("matmul", "dot[K](a[K, m], b[K, n])")
    assert usage(program(text, {"M": 128, "N": 2048, "K": 128}, {"buffers.dot": 1}))["psum"] == 4
    with pytest.raises(engine.Infeasible) as told:
        program(text, {"M": 1024, "N": 2048, "K": 128}, {"buffers.dot": 1})
    assert (told.value.limit, told.value.over) == ("psum", 8 * 4 - 8)
    assert "dot 32 banks in 1 slots" in str(told.value)


@pytest.mark.parametrize(
    "text", [product("matmul", "relu(dot[K](a[K, m], b[K, n]))"), elementwise("two", "exp(x[m, N]) * z[m, N]")]
)
def test_the_footprint_is_what_programs_take(text: str) -> None:
    """`fixed` and so many times `each`, for every tile size and any number of slots."""
    ((_, definition),) = parse(text).kernels.items()
    kernel, chip = definition.specialise({}, {}), load_chip("trn2")
    dims = {"M": 300, "N": 700, "K": 260}
    dims = {name: dims[name] for name in kernel.signature.dimensions}
    tiled = [each.axis.name for each in kernel.loop_variables]
    config = engine.default_config(kernel, dims, chip)
    slots = [each.name for each in engine.tunables(kernel, dims, chip) if each.slots]
    tiles = {name: np.array([32, 100, 130]) for name in tiled}
    found = engine.footprint(kernel, dims, chip, config, tiles)
    assert found.limits == ("sbuf", "psum")
    assert found.capacity.tolist() == [CHIP.sbuf.bytes_per_partition, CHIP.psum.banks]
    assert found.each and set(found.each) <= set(slots)
    for place in range(3):
        for many in (1, 2):
            chosen = {**config, **{name: int(sizes[place]) for name, sizes in tiles.items()}, **dict.fromkeys(slots, many)}
            made = engine.lower(kernel, dims, chip, chosen)
            counted = found.fixed[:, place] + sum(each[:, place] * many for each in found.each.values())
            assert counted.tolist() == list(usage(made).values())
            assert found.lower_bound_us[place] <= engine.simulate(made).latency_us * (1 + 1e-9)


def test_a_bound_is_in_microseconds_and_most_of_the_latency() -> None:
    text = elementwise("copy", "exp(x[m, N])")
    kernel, chip = parse(text).kernels["f"].specialise({}, {}), load_chip("trn2")
    dims = {"M": 1024, "N": 2000}
    config = engine.default_config(kernel, dims, chip, {"m": 128})
    found = engine.footprint(kernel, dims, chip, config, {"m": np.array([128])})
    latency_us = engine.simulate(engine.lower(kernel, dims, chip, config)).latency_us
    assert 0.5 * latency_us < found.lower_bound_us[0] <= latency_us
