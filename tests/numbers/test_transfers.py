"""Into how many DMA instructions a transfer falls, and what it would take if its elements lay together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.engine_program import EngineProgram, Instruction, Transfer
from tilery.backends.machine.splits import Extents
from tilery.backends.machine.time.totals import Totals
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.trainium.transfers import transfer_parts, transfer_s
from tilery.dsl import parse

from .programs import DMA_FLOOR_NS, elementwise, program

BYTES_A_NS = 368.0
"""All DMA engines of Trainium 2 together."""


def load(made: EngineProgram) -> tuple[Instruction, Extents]:
    every = Totals(made.structure, made.dims, made.tiles, made.cores).executed()
    return next((node, extents) for node, _, extents in every if node.form == "load")


def parts(made: EngineProgram) -> int:
    node, extents = load(made)
    assert isinstance(node.action, Transfer)
    return int(transfer_parts(node.action, trainium(made.chip), extents, made.dims))


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        # 2 KiB rows: 128 of them take 723 ns, which fills an instruction
        (128, 512, 1),
        (512, 512, 4),
        (300, 512, 3),
        # 1 KiB rows: 367 ns, less than the 467 between instructions
        (512, 256, 1),
        # the shortest rows that fill one, in f32: 8 (1.4 + 4 n / 23) >= 467
        (512, 327, 1),
        (512, 328, 4),
    ],
)
def test_a_tile_is_an_instruction_for_each_128_rows_that_fill_one(rows: int, columns: int, expected: int) -> None:
    assert parts(program(elementwise("copy", "x[m, N]"), {"M": rows, "N": columns}, {"m": rows})) == expected


@pytest.mark.parametrize(("size", "expected"), [(128 * 4, 1), (128 * 4 + 1, 2), (100, 1)])
def test_runs_are_a_rectangle_and_what_is_left_over(size: int, expected: int) -> None:
    text = "kernel f(x: f32[N]) -> y: f32[N]:\n    tile n of N:\n        y[n] = exp(x[n])\n"
    assert parts(program(text, {"N": size}, {"layout.n": "runs"})) == expected


def together_ns(made: EngineProgram) -> float:
    node, extents = load(made)
    assert isinstance(node.action, Transfer)
    return float(transfer_s(replace(node.action, together=True), trainium(made.chip), extents, made.dims)) * 1e9


def test_a_column_that_lay_together_would_be_moved_in_runs() -> None:
    text = "kernel f(x: f32[M, N]) -> y: f32[M]:\n    tile m of M:\n        y[m] = x[m, 0] * 2\n"
    for rows, expected in ((256, DMA_FLOOR_NS), (128 * 1024, 128 * 1024 * 4 / BYTES_A_NS)):
        made = program(text, {"M": rows, "N": 4}, {"m": rows, "layout.m": "rows"})
        assert together_ns(made) == pytest.approx(expected)


def test_a_column_of_one_step_would_be_a_share_of_longer_rows() -> None:
    text = "kernel f(x: f32[M, N]) -> y: f32[M, N]:\n    tile m of M, n of N by 1:\n        y[m, n] = x[m, n] * 2\n"
    ((_, definition),) = parse(text).kernels.items()
    made = engine.lower(definition.specialise({}, {}), {"M": 256, "N": 8}, load_chip("trn2"), {"m": 256})
    assert together_ns(made) == pytest.approx(256 * 4 / BYTES_A_NS)
