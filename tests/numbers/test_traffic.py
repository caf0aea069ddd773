"""What a run moves and computes, counted on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tilery.backends import engine
from tilery.backends.machine.time.run_traffic import traffic, traffic_of
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.trainium.traffic import on_chip_bytes

from .programs import blocks, elementwise, product, program

M, N, K = 256, 512, 256
TILE = M * N
SHAPE = {"M": M, "N": N}
DOT = "dot[K](a[K, m], b[K, n])"


def test_a_copy_goes_in_and_out_once() -> None:
    made = program(elementwise("copy", "x[m, N]"), SHAPE)
    found = traffic(made)
    assert (found.hbm_bytes, found.moved["sbuf"], found.moved["psum"]) == (2 * TILE * 4, 2 * TILE * 4, 0)
    assert (found.operations, found.macs, found.operands) == (0, {}, {})
    assert engine.simulate(made).hbm_bytes == 2 * TILE * 4


def test_an_elementwise_instruction_reads_and_writes_every_element() -> None:
    found = traffic(program(elementwise("copy", "exp(x[m, N])"), SHAPE))
    assert (found.hbm_bytes, found.moved["sbuf"], found.operations) == (2 * TILE * 4, 4 * TILE * 4, TILE)
    found = traffic(program(elementwise("two", "x[m, N] + z[m, N]", "bf16"), SHAPE))
    assert (found.hbm_bytes, found.moved["sbuf"], found.operations) == (3 * TILE * 2, 6 * TILE * 2, TILE)
    found = traffic(program(elementwise("column", "sum[N](x[m, N])"), SHAPE))
    assert (found.hbm_bytes, found.moved["sbuf"], found.operations) == ((TILE + M) * 4, (2 * TILE + 2 * M) * 4, TILE)


def test_a_row_for_all_is_read_once_and_written_to_every_partition() -> None:
    found = traffic(program(elementwise("row", "x[m, N] * w[N]"), {"M": 128, "N": N}))
    assert found.hbm_bytes == 2 * 128 * N * 4 + N * 4


def test_rows_beyond_the_partitions_are_read_once() -> None:
    """Only a matmul reads an operand again for each piece that it is cut into."""
    made = program(elementwise("row", "x[m, N] * w[N]"), {"M": 256, "N": N})
    (node,) = (node for _, node in made.structure.instructions() if node.form == "tensor_tensor")
    assert on_chip_bytes(node, trainium(made.chip), {"m": 256, "N": N}) == ((2 * TILE + N) * 4, 0)


def test_device_memory_is_no_bank() -> None:
    text = """kernel f(x: f32[M, N]) -> y: f32[M, N]:
    temp h: f32[M, N]
    tile m of M:
        h[m, N] = exp(x[m, N])
    tile m of M:
        y[m, N] = h[m, N] + 1
"""
    found = traffic(program(text, SHAPE))
    assert (found.hbm_bytes, found.moved["sbuf"], found.moved["psum"]) == (4 * TILE * 4, 8 * TILE * 4, 0)


def test_ragged_tiles_move_what_they_have() -> None:
    found = traffic(program(blocks("exp(x[m, n])"), {"M": 200, "N": 700}, {"m": 128, "n": 256}))
    assert (found.hbm_bytes, found.operations) == (2 * 200 * 700 * 4, 200 * 700)


def test_adding_in_device_memory_reads_and_writes() -> None:
    text = "kernel f(x: f32[R, M, N]) -> y: f32[M, N]:\n    tile r of R, m of M:\n        y[m, N] += sum[r](x[r, m, N])\n"
    found = traffic(program(text, {"R": 3, **SHAPE}, {"r": 1}))
    assert found.hbm_bytes == (3 + 2 * 3) * TILE * 4


@pytest.mark.parametrize(("element", "depth"), [("bf16", 128), ("f32", 128), ("f8e4m3", 256)])
def test_a_matmul_reads_what_moves_for_every_block_of_rows_and_adds_for_every_block_of_the_sum(element: str, depth: int) -> None:
    size = {"bf16": 2, "f32": 4, "f8e4m3": 1}[element]
    found = traffic(program(product("matmul", DOT, element), {**SHAPE, "K": K}))
    a, b, c = K * M * size, K * N * size, TILE * 4
    row_blocks, sum_blocks = M // 128, K // depth
    assert found.hbm_bytes == a + b + c
    assert found.operands["sbuf"] == a + row_blocks * b
    assert found.moved["sbuf"] == (a + b) + (a + row_blocks * b) + c + c
    assert found.moved["psum"] == sum_blocks * c + c
    assert found.macs == {element: M * N * K}


def test_an_operand_that_is_loaded_for_every_tile_counts_each_time() -> None:
    found = traffic(program(product("matmul", DOT), {"M": 512, "N": N, "K": K}, {"m": 128, "hoist.b": "none"}))
    assert found.hbm_bytes == K * 512 * 2 + 4 * K * N * 2 + 512 * N * 4
    found = traffic(program(product("matmul", DOT), {"M": 512, "N": N, "K": K}, {"m": 128, "hoist.b": "m"}))
    assert found.hbm_bytes == K * 512 * 2 + K * N * 2 + 512 * N * 4


def test_the_tensor_engine_reads_what_it_turns() -> None:
    found = traffic(program("kernel f(x: bf16[M, N]) -> y: bf16[N, M]:\n    tile m of M, n of N:\n        y[n, m] = x[m, n]\n",
                            {"M": 128, "N": 128}, {"transpose.load": "tensor"}))  # fmt: skip
    block = 128 * 128 * 2
    assert (found.hbm_bytes, found.operands["sbuf"], found.moved["psum"], found.operations) == (
        2 * block,
        block,
        2 * block,
        128 * 128,
    )


def test_what_every_core_loads_for_itself_counts_for_each() -> None:
    made = program(product("matmul", DOT), {"M": 512, "N": N, "K": K}, {"m": 128, "hoist.b": "m"})
    a, b, c = K * 512 * 2, K * N * 2, 512 * N * 4
    assert traffic(replace(made, cores=4)).hbm_bytes == a + 4 * b + c


def test_arrays_of_configurations_have_the_traffic_of_each() -> None:
    text, shape = product("matmul", DOT), {"M": 512, "N": N, "K": K}
    made = program(text, shape, {"m": 128, "hoist.b": "none"})
    sizes = np.array([64, 128, 200, 512])
    found = traffic_of(made.structure, made.dims, {**made.tiles, "m": sizes})
    for place, size in enumerate(sizes):
        each = traffic(program(text, shape, {"m": int(size), "hoist.b": "none"}))
        assert [np.broadcast_to(part, 4)[place] for part in (found.hbm_bytes, found.moved["sbuf"], found.moved["psum"])] == [
            each.hbm_bytes,
            each.moved["sbuf"],
            each.moved["psum"],
        ]
        assert np.broadcast_to(found.macs["bf16"], 4)[place] == each.macs["bf16"]


def test_cores_share_what_is_moved() -> None:
    found = traffic(program(elementwise("copy", "exp(x[m, N])"), {"M": 1024, "N": N}, {"m": 128}))
    each = found.each(8)
    assert (each.hbm_bytes, each.moved["sbuf"], each.operations) == (2 * 128 * N * 4, 4 * 128 * N * 4, 128 * N)
    found = traffic(program(product("matmul", DOT), {**SHAPE, "K": K})).each(2)
    assert (found.macs, found.moved["psum"]) == ({"bf16": M * N * K / 2}, 3 * TILE * 4 / 2)
    assert found.operands["sbuf"] == (K * M * 2 + 2 * K * N * 2) / 2
