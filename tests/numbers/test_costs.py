"""What instructions cost, worked out on paper from the published numbers of the chips.

Every expected number is written as the formula that the chip's makers publish, with the numbers put in: none is read from the
chip's file or from the code under test.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tilery.backends.chips import load_chip
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.trainium.cost import barrier_s

from .programs import DMA_FLOOR_NS, blocks, busy_ns, dma_ns, elementwise, product, program

GHZ = {"tensor": 2.4, "vector": 0.96, "scalar": 1.2, "gpsimd": 1.2}
"""Trainium 2."""
FLOOR_NS = DMA_FLOOR_NS
SHAPE = {"M": 128, "N": 512}
DOUBLE, SUM, RECIPROCAL, TOP = "x[m, N] * 2", "x[m, N] + z[m, N]", "1 / x[m, N]", "max[N](x[m, N] * 2)"

ROWS = "kernel f(x: f32[M, K, N]) -> y: f32[M, K, N]:\n    tile m of M:\n        y[m, K, N] = {}\n"
COLUMNS = "kernel f(x: f32[M, K, N]) -> y: f32[M, K]:\n    tile m of M:\n        y[m, K] = last[N](x[m, K, N])\n"

ELEMENTWISE: dict[str, tuple[str, Mapping[str, int | str], str, float]] = {
    # fixed + N cycles, on the engine's own clock
    "activation": (elementwise("copy", "exp(x[m, N])"), {}, "scalar", 60 + 512),
    "scalar engine, one operand": (elementwise("copy", DOUBLE), {"engine.mul": "scalar"}, "scalar", 60 + 512),
    "vector engine, one operand": (elementwise("copy", DOUBLE), {"engine.mul": "vector"}, "vector", 60 + 512),
    # four elements of 16 bits a cycle with one operand, two with two
    "bf16, one operand": (elementwise("copy", DOUBLE, "bf16"), {"engine.y": "vector"}, "vector", 60 + 512 / 4),
    "f16, one operand": (elementwise("copy", DOUBLE, "f16"), {"engine.y": "vector"}, "vector", 60 + 512 / 4),
    "bf16, two operands": (elementwise("two", SUM, "bf16"), {}, "vector", 60 + 512 / 2),
    # two operands of tile size in SBUF share a port
    "two operands": (elementwise("two", SUM), {}, "vector", 60 + 2 * 512),
    # GpSimd alone is exact for two tiles of 32-bit integers; its rate is not published
    "two operands, integers": (elementwise("two", SUM, "i32"), {}, "gpsimd", 150 + 4 * 512),
    "an operand of a column": (elementwise("scales", "x[m, N] * w[m]"), {"engine.mul": "vector"}, "vector", 60 + 512),
    "an operand of a row": (elementwise("row", "x[m, N] * w[N]"), {}, "vector", 60 + 2 * 512),
    "reciprocal": (elementwise("copy", RECIPROCAL), {"engine.reciprocal": "vector"}, "vector", 60 + 512),
    "reciprocal, scalar engine": (elementwise("copy", RECIPROCAL), {"engine.reciprocal": "scalar"}, "scalar", 60 + 512),
    "reduction": (elementwise("column", "sum[N](x[m, N])"), {}, "vector", 60 + 512),
    "scan": (elementwise("copy", "cumsum[N](x[m, N])"), {}, "vector", 60 + 2 * 512),
    "scan of two tiles": (elementwise("two", "scan[N](x[m, N], z[m, N])"), {}, "vector", 60 + 2 * 512),
    "scan from a start": (elementwise("scales", "scan[N](x[m, N], x[m, N], w[m])"), {}, "vector", 60 + 2 * 512),
    # its first places by an instruction of their own
    "exclusive scan": (elementwise("copy", "cumsum[N, exclusive](x[m, N])"), {}, "vector", 2 * 60 + 2 * 512),
    # a scan goes along one row of a partition: of three rows there are three
    "scan of three rows": (ROWS.format("cumsum[N](x[m, K, N])"), {}, "vector", 3 * 60 + 2 * 3 * 512),
    "last element": (elementwise("column", "last[N](x[m, N])"), {"engine.last": "vector"}, "vector", 60 + 1),
    "last elements of three rows": (COLUMNS, {"engine.last": "vector"}, "vector", 60 + 3),
    "activation with its sum": (elementwise("column", "sum[N](exp(x[m, N]))"), {}, "scalar", 60 + 64 + 512),
    # a reduction in passing is read out in 64 cycles, and one apart reads the tile once more
    "one operand with its maximum": (elementwise("column", TOP), {}, "vector", 60 + 64 + 512),
    "one operand, its maximum apart": (
        elementwise("column", TOP),
        {"fuse.max": "separate", "engine.mul": "vector"},
        "vector",
        2 * (60 + 512),
    ),
    "one operand with its sum": (elementwise("column", "sum[N](x[m, N] * 2)"), {}, "vector", 60 + 64 + 512),
    "the same, scalar engine": (elementwise("column", "sum[N](x[m, N] * 2)"), {"engine.sum": "scalar"}, "scalar", 60 + 64 + 512),
    "select by positions": (blocks("where(m >= n, x[m, n], 0)"), {}, "gpsimd", 150 + 512),
    # two operands of tile size in SBUF, as ever
    "select by data": (
        elementwise("two", "where(x[m, N] > 0, z[m, N], 0)"),
        {},
        "vector",
        60 + 512 + 60 + 2 * 512,
    ),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_instructions_cost_what_is_published(name: str) -> None:
    text, config, engine, cycles = ELEMENTWISE[name]
    shape = {**SHAPE, "K": 3} if "K" in text else SHAPE
    found = busy_ns(program(text, shape, config))
    del found["dma"]
    assert found == pytest.approx({engine: cycles / GHZ[engine]})


def test_a_number_beside_integers_is_a_column_written_once() -> None:
    found = busy_ns(program(elementwise("copy", DOUBLE, "i32"), {"M": 256, "N": 512}, {}))
    assert found["vector"] == pytest.approx(61 / GHZ["vector"])
    assert found["gpsimd"] == pytest.approx(2 * (150 + 4 * 512) / GHZ["gpsimd"])


@pytest.mark.parametrize("rows", [128, 300])
def test_every_fold_of_a_tile_is_a_scan_of_its_own(rows: int) -> None:
    """A tile of more rows than partitions lies folded; other instructions take all folds at once, and a scan must not run on."""
    folds = -(-rows // 128)
    found = busy_ns(program(elementwise("copy", "cumsum[N](x[m, N]) + 1"), {"M": rows, "N": 512}, {"engine.add": "scalar"}))
    assert found["vector"] == pytest.approx(folds * (60 + 2 * 512) / GHZ["vector"])


FLAT = "kernel f(x: f32[N]) -> y: f32[N]:\n    tile n of N:\n        y[n] = exp(x[n])\n"
RUN = 1024 * 4
"""Bytes of a partition's run, below."""


@pytest.mark.parametrize(
    ("size", "cycles", "dma_ns"),
    [
        # 128 runs of 1,024 elements
        (128 * 1024, 60 + 1024, 2 * dma_ns(RUN)),
        # and 5 elements that are left over, one a partition, by instructions of their own
        (128 * 1024 + 5, 2 * 60 + 1024 + 1, 2 * dma_ns(RUN) + 2 * FLOOR_NS),
        # nothing but what is left over
        (100, 60 + 1, 2 * FLOOR_NS),
        # runs of 32 bytes
        (128 * 8, 60 + 8, 2 * FLOOR_NS),
    ],
)
def test_a_flat_axis_in_runs_costs_a_run_a_partition(size: int, cycles: float, dma_ns: float) -> None:
    found = busy_ns(program(FLAT, {"N": size}, {"layout.n": "runs"}))
    assert found == pytest.approx({"scalar": cycles / GHZ["scalar"], "dma": dma_ns})


def test_one_element_a_partition_is_a_run_of_one_element() -> None:
    text = "kernel f(x: f32[M]) -> y: f32[M]:\n    tile m of M:\n        y[m] = x[m]\n"
    found = busy_ns(program(text, {"M": 8192}, {"layout.m": "rows"}))
    assert found == pytest.approx({"dma": 2 * 64 * 8 * (1.4 + 256 / 23)})


def test_a_load_that_turns_the_tile_is_slower() -> None:
    text = product("row_major", "dot[K](a[m, K], b[K, n])")
    found = busy_ns(program(text, {"M": 128, "N": 512, "K": 2048}, {"transpose.a": "dma"}))
    # 128 rows of 4 KiB in device memory, at 90 % of the bandwidth.
    a, b, c = 8 * (1.4 + 4096 / (0.9 * 23)), dma_ns(512 * 2, rows=2048), dma_ns(512 * 4)
    assert found["dma"] == pytest.approx(a + b + c)


def test_an_accumulator_of_more_rows_than_partitions_takes_an_instruction_a_fold() -> None:
    text = (
        "kernel f(x: f32[M, N]) -> y: f32[M]:\n    tile m of M:\n        acc = zeros[m]\n"
        "        for n of N:\n            acc += sum[n](x[m, n])\n        y[m] = acc\n"
    )
    found = busy_ns(program(text, {"M": 300, "N": 1024}))
    cleared, summed, added = 3 * (60 + 1), 3 * (60 + 1024), 3 * (60 + 1)
    assert found["vector"] == pytest.approx((cleared + summed + added) / GHZ["vector"])


def test_a_vector_of_results_moves_one_column() -> None:
    text = "kernel f(a: {t}[K, M], v: {t}[K]) -> c: f32[M]:\n    tile m of M:\n        c[m] = dot[K](a[K, m], v[K])\n"
    found = busy_ns(program(text.format(t="bf16"), {"M": 128, "K": 128}))
    assert found["tensor"] == pytest.approx((64 + 10) / GHZ["tensor"])
    assert found["vector"] == pytest.approx((60 + 1) / GHZ["vector"])


def test_rows_beyond_the_partitions_cost_an_instruction_each_time() -> None:
    found = busy_ns(program(elementwise("copy", "exp(x[m, N])"), {"M": 300, "N": 512}, {"m": 300}))
    assert found["scalar"] == pytest.approx(3 * (60 + 512) / GHZ["scalar"])


BLOCKS = "kernel f(x: f32[M, K, N]) -> y: f32[M, K, N]:\n    tile m of M, k of K, n of N:\n        y[m, k, n] = x[m, k, n]\n"
TRANSFERS: dict[str, tuple[str, Mapping[str, int], Mapping[str, int | str], float]] = {
    # a load and a store
    "long rows": (elementwise("copy", "x[m, N]"), SHAPE, {}, 2 * dma_ns(2048)),
    # 128 rows an instruction, and what is left over
    "twice the rows": (elementwise("copy", "x[m, N]"), {"M": 256, "N": 512}, {"m": 256}, 2 * 2 * dma_ns(2048)),
    "a rest of rows": (elementwise("copy", "x[m, N]"), {"M": 132, "N": 512}, {"m": 132}, 2 * dma_ns(2048, rows=132)),
    # each engine has eight partitions: few rows leave engines idle
    "64 rows": (elementwise("copy", "x[m, N]"), {"M": 64, "N": 512}, {}, 2 * dma_ns(2048)),
    "four rows": (elementwise("copy", "x[m, N]"), {"M": 4, "N": 4096}, {}, 2 * 4 * (1.4 + 16384 / 23)),
    # an instruction takes 467 ns at least
    "short": (elementwise("copy", "x[m, N]"), {"M": 128, "N": 64}, {}, 2 * FLOOR_NS),
    "two short ones": (elementwise("copy", "x[m, N]"), {"M": 256, "N": 64}, {"m": 128}, 4 * FLOOR_NS),
    # of many short rows, one instruction
    "eight times 128 short rows": (elementwise("copy", "x[m, N]"), {"M": 1024, "N": 64}, {"m": 1024}, 2 * 64 * (1.4 + 256 / 23)),
    # runs of 64 bytes take as long as runs of 256
    "short runs": (blocks("x[m, n]"), {"M": 1024, "N": 32}, {"m": 1024, "n": 16}, 4 * 64 * (1.4 + 256 / 23)),
    # several runs in each partition; one where the last dimension is whole
    "16 runs of 256 bytes": (BLOCKS, {"M": 128, "K": 16, "N": 128}, {"k": 16, "n": 64}, 4 * dma_ns(16 * 256, 16)),
    "one run of 4 KiB": (BLOCKS, {"M": 128, "K": 32, "N": 64}, {"k": 16, "n": 64}, 4 * dma_ns(16 * 256)),
    # a row for all is written to every partition
    "a row for all": (elementwise("row", "x[m, N] * w[N]"), SHAPE, {}, 3 * dma_ns(2048)),
}


@pytest.mark.parametrize("name", TRANSFERS)
def test_transfers_cost_what_is_published(name: str) -> None:
    text, dims, config, expected = TRANSFERS[name]
    assert busy_ns(program(text, dims, config))["dma"] == pytest.approx(expected)


def test_adding_in_device_memory_moves_everything_twice() -> None:
    text = "kernel f(x: f32[R, M, N]) -> y: f32[M, N]:\n    tile r of R, m of M:\n        y[m, N] += sum[r](x[r, m, N])\n"
    cleared, loaded, added = 1, 1, 2
    found = busy_ns(program(text, {"R": 1, **SHAPE}))
    assert found["dma"] == pytest.approx(cleared * 128 * 512 * 4 / 368 + (loaded + added) * dma_ns(2048))


def test_no_transfer_is_faster_than_its_core_s_share_of_device_memory() -> None:
    slower = ("hbm.bytes_per_s=200e9",)
    found = busy_ns(program(elementwise("copy", "x[m, N]"), SHAPE, what_if=slower))
    assert found["dma"] == pytest.approx(2 * 128 * 2048 / 200)


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
    # max(P, min(64, F)) cycles a block of 128 x 128 on the tensor engine, twice that in f32; then PSUM is read
    found = busy_ns(program(turned.format(t="bf16"), square, {"transpose.load": "tensor", "engine.turn": "vector"}))
    assert found["tensor"] == pytest.approx(128 / GHZ["tensor"])
    assert found["vector"] == pytest.approx((60 + 128 / 2) / GHZ["vector"])
    found = busy_ns(program(turned.format(t="f32"), square, {"transpose.load": "tensor"}))
    assert found["tensor"] == pytest.approx(2 * 128 / GHZ["tensor"])
    # a block of P rows and F columns: at least 64 cycles, P if that is less
    for rows, columns, cycles in ((128, 40, 128), (40, 128, 64), (16, 128, 64), (128, 512, 4 * 128), (256, 128, 2 * 128)):
        found = busy_ns(program(turned.format(t="bf16"), {"M": rows, "N": columns}, {"transpose.load": "tensor"}))
        assert found["tensor"] == pytest.approx(cycles / GHZ["tensor"])
    # fixed + N cycles a block of 32 x 32 on the vector engine
    found = busy_ns(program(turned.format(t="f32"), {"M": 32, "N": 32}, {"transpose.load": "vector"}))
    assert found["vector"] == pytest.approx((60 + 32) / GHZ["vector"])


@pytest.mark.parametrize(
    ("rows", "columns", "turn_ns"),
    [(128, 128, FLOOR_NS), (128, 2048, 8 * 4096 / 11.5), (260, 2048, 2 * 8 * 4096 / 11.5 + 4 * 4096 / 11.5)],
)
def test_the_dma_engines_transpose_at_half_their_rate(rows: int, columns: int, turn_ns: float) -> None:
    """Each of 16 engines moves 23 bytes/ns at best, and serves 8 of 128 partitions; an instruction has a floor."""
    text = "kernel f(x: bf16[M, N]) -> y: bf16[N, M]:\n    tile m of M, n of N:\n        y[n, m] = x[m, n]\n"
    shape = {"M": rows, "N": columns}
    by_dma, other = (busy_ns(program(text, shape, {"transpose.load": way})) for way in ("dma", "vector"))
    assert by_dma["dma"] - other["dma"] == pytest.approx(turn_ns)
    assert "vector" not in by_dma


def test_a_select_of_a_product_with_its_maximum_reads_it_in_psum_once() -> None:
    head = "kernel f(a: bf16[K, M], b: bf16[K, N]) -> c: f32[M]:\n    tile m of M:\n"
    text = f"{head}        s = where(index[N] <= m, a[K, m] @ b[K, N], -1)\n        c[m] = max[N](s)\n"
    found = busy_ns(program(text, {"M": 128, "K": 128, "N": 512}, {"engine.s": "vector"}))
    assert found["vector"] == pytest.approx((60 + 64 + 512) / GHZ["vector"])
    # the mask, and the column of ones that it is made of
    assert found["gpsimd"] == pytest.approx((150 + 512 + 150 + 1) / GHZ["gpsimd"])


def test_a_barrier_takes_a_transfer_of_the_least_size_and_its_latency() -> None:
    """467 ns and 320 ns on Trainium 2, before every core knows that all have come."""
    assert barrier_s(trainium(load_chip("trn2"))) == pytest.approx(787e-9, rel=1e-12)
