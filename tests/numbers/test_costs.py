"""What instructions cost, worked out on paper from the published numbers of the chips.

Every expected number is written as the formula that the chip's makers publish, with the numbers put in: none is read from the
chip's file or from the code under test.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from .programs import blocks, busy_ns, elementwise, product, program

GHZ = {"tensor": 2.4, "vector": 0.96, "scalar": 1.2, "gpsimd": 1.2}
"""Trainium 2."""
DMA_BYTES_A_NS = 368.0
FLOOR_NS = 500.0
SHAPE = {"M": 128, "N": 512}
DOUBLE, SUM, RECIPROCAL = "x[m, N] * 2", "x[m, N] + z[m, N]", "1 / x[m, N]"

ELEMENTWISE: dict[str, tuple[str, Mapping[str, int | str], str, float]] = {
    # fixed + N cycles, on the engine's own clock
    "activation": (elementwise("copy", "exp(x[m, N])"), {}, "scalar", 60 + 512),
    "scalar engine, one operand": (elementwise("copy", DOUBLE), {"engine.mul": "scalar"}, "scalar", 60 + 512),
    "vector engine, one operand": (elementwise("copy", DOUBLE), {"engine.mul": "vector"}, "vector", 60 + 512),
    "gpsimd, one operand": (elementwise("copy", DOUBLE), {"engine.mul": "gpsimd"}, "gpsimd", 150 + 512),
    # four elements of 16 bits a cycle with one operand, two with two
    "bf16, one operand": (elementwise("copy", DOUBLE, "bf16"), {"engine.y": "vector"}, "vector", 60 + 512 / 4),
    "f16, one operand": (elementwise("copy", DOUBLE, "f16"), {"engine.y": "vector"}, "vector", 60 + 512 / 4),
    "bf16, two operands": (elementwise("two", SUM, "bf16"), {"engine.y": "vector"}, "vector", 60 + 512 / 2),
    # two operands of tile size in SBUF share a port
    "two operands": (elementwise("two", SUM), {}, "vector", 60 + 2 * 512),
    "two operands, gpsimd": (elementwise("two", SUM), {"engine.add": "gpsimd"}, "gpsimd", 150 + 512),
    "an operand of a column": (elementwise("scales", "x[m, N] * w[m]"), {"engine.mul": "vector"}, "vector", 60 + 512),
    "an operand of a row": (elementwise("row", "x[m, N] * w[N]"), {}, "vector", 60 + 2 * 512),
    "reciprocal": (elementwise("copy", RECIPROCAL), {"engine.reciprocal": "vector"}, "vector", 60 + 8 * 512),
    "reciprocal, scalar engine": (elementwise("copy", RECIPROCAL), {"engine.reciprocal": "scalar"}, "scalar", 60 + 512),
    "reduction": (elementwise("column", "sum[N](x[m, N])"), {}, "vector", 60 + 512),
    "scan": (elementwise("copy", "cumsum[N](x[m, N])"), {}, "vector", 60 + 2 * 512),
    "activation with its sum": (elementwise("column", "sum[N](exp(x[m, N]))"), {}, "scalar", 60 + 64 + 512),
    "select by positions": (blocks("where(m >= n, x[m, n], 0)"), {}, "gpsimd", 150 + 512),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_instructions_cost_what_is_published(name: str) -> None:
    text, config, engine, cycles = ELEMENTWISE[name]
    found = busy_ns(program(text, SHAPE, config))
    del found["dma"]
    assert found == pytest.approx({engine: cycles / GHZ[engine]})


def test_rows_beyond_the_partitions_cost_an_instruction_each_time() -> None:
    found = busy_ns(program(elementwise("copy", "exp(x[m, N])"), {"M": 300, "N": 512}, {"m": 300}))
    assert found["scalar"] == pytest.approx(3 * (60 + 512) / GHZ["scalar"])


TRANSFERS: dict[str, tuple[str, Mapping[str, int], Mapping[str, int | str], float]] = {
    # bytes / bandwidth for the load and for the store
    "long rows": (elementwise("copy", "x[m, N]"), SHAPE, {}, 2 * 128 * 512 * 4 / DMA_BYTES_A_NS),
    "twice the rows": (elementwise("copy", "x[m, N]"), {"M": 256, "N": 512}, {"m": 256}, 2 * 256 * 512 * 4 / DMA_BYTES_A_NS),
    # a transfer takes 500 ns at least
    "short": (elementwise("copy", "x[m, N]"), {"M": 128, "N": 64}, {}, 2 * FLOOR_NS),
    "two short ones": (elementwise("copy", "x[m, N]"), {"M": 256, "N": 64}, {"m": 128}, 4 * FLOOR_NS),
    # runs of 64 bytes cost as if they had 256
    "short runs": (blocks("x[m, n]"), {"M": 1024, "N": 32}, {"m": 1024, "n": 16}, 4 * 1024 * 256 / DMA_BYTES_A_NS),
    # of 256 bytes, what they have
    "runs of 256 bytes": (blocks("x[m, n]"), {"M": 1024, "N": 128}, {"m": 1024, "n": 64}, 4 * 1024 * 256 / DMA_BYTES_A_NS),
    # a row for all is written to every partition
    "a row for all": (elementwise("row", "x[m, N] * w[N]"), SHAPE, {}, 3 * 128 * 512 * 4 / DMA_BYTES_A_NS),
}


@pytest.mark.parametrize("name", TRANSFERS)
def test_transfers_cost_what_is_published(name: str) -> None:
    text, dims, config, expected = TRANSFERS[name]
    assert busy_ns(program(text, dims, config))["dma"] == pytest.approx(expected)


def test_adding_in_device_memory_moves_everything_twice() -> None:
    text = "kernel f(x: f32[R, M, N]) -> y: f32[M, N]:\n    tile r of R, m of M:\n        y[m, N] += sum[r](x[r, m, N])\n"
    cleared, loaded, added = 1, 1, 2
    found = busy_ns(program(text, {"R": 1, **SHAPE}))
    assert found["dma"] == pytest.approx((cleared + loaded + added) * 128 * 512 * 4 / DMA_BYTES_A_NS)


DOT = "dot[K](a[K, m], b[K, n])"
MATMULS: dict[str, tuple[str, Mapping[str, int], Mapping[str, int | str], float]] = {
    # max(64, columns) cycles and 10 more, for each 128 x 128 block
    "one block": (product("matmul", DOT), {"M": 128, "N": 512, "K": 128}, {}, 512 + 10),
    "narrow": (product("matmul", DOT), {"M": 128, "N": 32, "K": 128}, {}, 64 + 10),
    "two blocks of the sum": (product("matmul", DOT), {"M": 128, "N": 512, "K": 256}, {}, 2 * 522),
    "two blocks of rows": (product("matmul", DOT), {"M": 256, "N": 512, "K": 128}, {}, 2 * 522),
    "a rest of rows and of the sum": (product("matmul", DOT), {"M": 129, "N": 512, "K": 129}, {}, 4 * 522),
    "512 and 100 columns": (product("matmul", DOT), {"M": 128, "N": 612, "K": 128}, {}, 522 + 110),
    # four passes for f32
    "f32": (product("matmul", DOT, "f32"), {"M": 128, "N": 512, "K": 128}, {}, 4 * 512 + 10),
    # 256 rows of the sum at a time for 8 bits
    "fp8": (product("matmul", DOT, "f8e4m3"), {"M": 128, "N": 512, "K": 256}, {}, 522),
    "fp8, 128 rows of the sum": (product("matmul", DOT, "f8e4m3"), {"M": 128, "N": 512, "K": 128}, {}, 522),
    # four products of 32 x 32 share the array, two of 64
    "four side by side": (
        product("batched", "dot[K](a[b, K, m], w[b, K, n])"),
        {"B": 4, "M": 128, "N": 512, "K": 32},
        {"b": 4},
        522,
    ),
    "two side by side": (
        product("batched", "dot[K](a[b, K, m], w[b, K, n])"),
        {"B": 4, "M": 128, "N": 512, "K": 64},
        {"b": 4},
        2 * 522,
    ),
}


@pytest.mark.parametrize("name", MATMULS)
def test_matmuls_cost_what_is_published(name: str) -> None:
    text, dims, config, cycles = MATMULS[name]
    assert busy_ns(program(text, dims, config))["tensor"] == pytest.approx(cycles / GHZ["tensor"])


def test_transposes_cost_what_is_published() -> None:
    turned = "kernel f(x: {t}[M, N]) -> y: {t}[N, M]:\n    tile m of M, n of N:\n        y[n, m] = x[m, n]\n"
    square = {"M": 128, "N": 128}
    # max(P, min(64, F)) cycles a block of 128 x 128 on the tensor engine, four times that in f32; then PSUM is read
    found = busy_ns(program(turned.format(t="bf16"), square, {"transpose.load": "tensor", "engine.turn": "vector"}))
    assert found["tensor"] == pytest.approx(128 / GHZ["tensor"])
    assert found["vector"] == pytest.approx((60 + 128 / 2) / GHZ["vector"])
    found = busy_ns(program(turned.format(t="f32"), square, {"transpose.load": "tensor"}))
    assert found["tensor"] == pytest.approx(4 * 128 / GHZ["tensor"])
    # fixed + N cycles a block of 32 x 32 on the vector engine
    found = busy_ns(program(turned.format(t="f32"), {"M": 32, "N": 32}, {"transpose.load": "vector"}))
    assert found["vector"] == pytest.approx((60 + 32) / GHZ["vector"])
