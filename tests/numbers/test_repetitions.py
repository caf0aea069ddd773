"""Into how many pieces instructions are cut, by the chip's tables."""

from __future__ import annotations

import pytest

from tilery.backends.machine.engine_program import Buffer, EngineProgram, Instruction, MatMul, Transfer, Transpose
from tilery.backends.machine.splits import Split, count, pieces, stretches, touches
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.trainium.repetitions import contraction_rows, repetitions, row_splits
from tilery.backends.trainium.runs.pieces import RunSplit
from tilery.dsl.program import Axis
from tilery.dsl.types import F32

from .programs import elementwise, product, program

DOT = "dot[K](a[K, m], b[K, n])"
SHAPE = {"M": 300, "N": 1100, "K": 400}
TURNED = "kernel f(x: bf16[M, N]) -> y: bf16[N, M]:\n    tile m of M, n of N:\n        y[n, m] = x[m, n]\n"
BATCHED = """kernel f(a: bf16[B, M, K], w: bf16[B, K, N]) -> c: f32[B, M, N]:
    tile b of B, m of M, n of N:
        c[b, m, n] = dot[K](a[b, m, K], w[b, K, n])
"""
SHARED = """kernel f(x: f32[M, N], w: f32[N]) -> y: f32[M, N]:
    u = exp(w[N])
    tile m of M:
        y[m, N] = x[m, N] * u
"""


def splits(made: EngineProgram, kind: type) -> list[tuple[str, int]]:
    """Axes and limits of the one instruction of a kind."""
    return [(split.axis.name, split.limit) for split in repetitions(instruction(made, kind), trainium(made.chip))]


def instruction(made: EngineProgram, kind: type) -> Instruction:
    return next(node for _, node in made.structure.instructions() if isinstance(node.action, kind))


@pytest.mark.parametrize(("element", "chip", "rows"), [("bf16", "trn2", 128), ("f8e4m3", "trn2", 256), ("f32", "trn1", 128)])
def test_a_matmul(element: str, chip: str, rows: int) -> None:
    made = program(product("matmul", DOT, element), SHAPE, {"m": 128, "n": 512, "buffers.dot": 1}, chip=chip)
    assert splits(made, MatMul) == [("m", 128), ("n", 512), ("K", rows)]
    action = instruction(made, MatMul).action
    assert isinstance(action, MatMul) and contraction_rows(action, trainium(made.chip)) == rows


def test_a_batch_goes_position_by_position() -> None:
    text, tiles = product("batched", "dot[K](a[b, K, m], w[b, K, n])"), {"b": 3, "m": 128, "n": 512, "buffers.dot": 1}
    made = program(text, {"B": 3, **SHAPE}, tiles)
    assert splits(made, MatMul) == [("b", 1), ("m", 128), ("n", 512), ("K", 128)]


def test_a_product_with_a_vector_has_one_axis_less() -> None:
    text = "kernel f(a: bf16[K, M], b: bf16[K]) -> c: f32[M]:\n    tile m of M:\n        c[m] = dot[K](a[K, m], b[K])\n"
    made = program(text, {"M": 300, "K": 400}, {"m": 128})
    matmul = instruction(made, MatMul)
    assert isinstance(matmul.action, MatMul) and None in (matmul.action.rows, matmul.action.column)
    assert sorted(splits(made, MatMul)) in ([("K", 128), ("m", 128)], [("K", 128), ("m", 512)])


def test_what_is_summed_up_goes_through_before_the_next_part_of_the_result() -> None:
    text = """kernel f(a: bf16[B, K, M], w: bf16[B, K, N]) -> c: f32[M, N]:
    tile m of M, n of N:
        c[m, n] = dot[B, K](a[B, K, m], w[B, K, n])
"""
    made = program(text, {"B": 3, "M": 64, "N": 64, "K": 100}, {"buffers.dot": 1})
    assert splits(made, MatMul) == [("m", 128), ("n", 512), ("K", 1), ("B", 128)]


def test_the_first_operand_with_rows_says_how_they_are_cut() -> None:
    m, n = Axis("m", "M", whole=False), Axis("n", "N", whole=False)
    everywhere = Buffer("a", "sbuf", F32, (n,), None, 1)
    rows, runs = Buffer("b", "sbuf", F32, (m, n), m, 1), Buffer("c", "sbuf", F32, (m,), None, 1, runs=m)
    assert row_splits((everywhere, rows), 128) == (Split(m, 128),)
    assert row_splits((rows, everywhere), 64) == (Split(m, 64),)
    assert row_splits((everywhere, runs), 128) == (RunSplit(m, 128),) == row_splits((rows, runs), 128)
    assert row_splits((everywhere,), 128) == ()


@pytest.mark.parametrize(("engine", "block"), [("tensor", 128), ("vector", 32)])
def test_a_transpose(engine: str, block: int) -> None:
    made = program(TURNED, {"M": 100, "N": 90}, {"transpose.load": engine})
    assert splits(made, Transpose) == [("n", block), ("m", block)]
    tiles: dict[str, int | str] = {"b": 2, "m": 64, "n": 64, "buffers.dot": 1, "transpose.a": engine}
    made = program(BATCHED, {"B": 2, "M": 64, "N": 64, "K": 100}, tiles)
    assert splits(made, Transpose) == [("K", block), ("b", block), ("m", 1)]


@pytest.mark.parametrize("kind", [Transfer, object])
def test_rows_go_128_at_a_time(kind: type) -> None:
    made = program(elementwise("two", "exp(x[m, N]) * z[m, N]"), {"M": 300, "N": 70})
    assert splits(made, kind) == [("m", 128)]


def test_an_axis_in_runs_is_a_rectangle_and_a_rest() -> None:
    text = "kernel f(x: f32[M]) -> y: f32[M]:\n    tile m of M:\n        y[m] = exp(x[m])\n"
    made = program(text, {"M": 300}, {"layout.m": "runs"})
    (split,) = repetitions(instruction(made, Transfer), trainium(made.chip))
    assert (split.count(300), split.count(256), split.count(100)) == (2, 1, 1)


def test_what_every_partition_holds_is_one_piece() -> None:
    made = program(SHARED, {"M": 300, "N": 70}, {"m": 100})
    every = [node for _, node in made.structure.instructions()]
    alone = [node for node in every if all(each.partition is None for each in (*node.reads, *node.writes))]
    assert alone
    assert all(repetitions(node, trainium(made.chip)) == () for node in alone)


def test_pieces_are_counted_and_touched() -> None:
    m, n = Axis("m", "M", whole=False), Axis("n", "N", whole=False)
    both = (Split(m, 128), Split(n, 512))
    extents = {"m": 300, "n": 513}
    assert (count(both, extents), count((), extents)) == (6, 1)
    made = program(elementwise("two", "x[m, N] + z[m, N]"), {"M": 300, "N": 70})
    buffer = made.structure.buffers[0]
    (rows,) = (axis for axis in buffer.axes if axis.name == "m")
    assert touches((Split(rows, 128), Split(n, 512)), buffer, extents) == 2  # along n alone, which it does not have
    found = list(pieces((Split(m, 200),), {"m": (0, 300), "n": (3, 5)}))
    assert found == [{"m": (0, 200), "n": (3, 5)}, {"m": (200, 300), "n": (3, 5)}]
    assert list(stretches((5, 300), 128)) == [(5, 133), (133, 261), (261, 300)]
    assert list(stretches((5, 5), 128)) == []
    assert list(Split(m, 128).ranges((0, 256))) == [(0, 128), (128, 256)]
