"""Elements chosen along a partition: out of rows on the chip, or by transfers; what is refused; what the instruction takes."""

from __future__ import annotations

import numpy as np
import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.engine_program import Instruction
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.trainium.cost import duration_s
from tilery.backends.trainium.instructions import Gather
from tilery.dsl import parse
from tilery.dsl.errors import TileryError
from tilery.dsl.program import Program
from tilery.dsl.types import F32

ELEMENTS = """
kernel chosen(x: f32[M, K], at: i32[M, N]) -> y: f32[M, N]:
    tile m of M, n of N:
        y[m, n] = x[m, at[m, n]]
"""
LABEL = """
kernel labelled(x: f32[M, K], at: i32[M]) -> y: f32[M]:
    tile m of M:
        y[m] = x[m, at[m]]
"""
IMAGE = """
kernel sampled(x: f32[C, H, W], row: i32[P], column: i32[P]) -> y: f32[C, P]:
    tile c of C, p of P:
        y[c, p] = x[c, row[p], column[p]]
"""


def kernel(text: str) -> Program:
    (definition,) = parse(text).kernels.values()
    return definition.specialise(dict.fromkeys(definition.signature.type_variables, F32), {})


def gathers(program: engine.EngineProgram) -> list[Instruction]:
    return [node for _, node in program.structure.instructions() if isinstance(node.action, Gather)]


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
@pytest.mark.parametrize("tiles", [{"m": 64, "n": 16}, {"m": 200, "n": 33}])
def test_each_partition_gathers_out_of_its_own_row(chip: str, tiles: dict[str, int]) -> None:
    rng = np.random.default_rng(0)
    x, at = rng.standard_normal((150, 70), np.float32), rng.integers(0, 70, (150, 33)).astype(np.int32)
    dims = {"M": 150, "K": 70, "N": 33}
    program = engine.lower(kernel(ELEMENTS), dims, load_chip(chip), dict(tiles))
    assert [each.engine for each in gathers(program)] == ["gpsimd"]
    assert np.array_equal(engine.execute(program, {"x": x, "at": at})["y"], np.take_along_axis(x, at, 1))


def test_an_element_a_row_comes_by_a_transfer_or_out_of_rows() -> None:
    rng = np.random.default_rng(1)
    x, at = rng.standard_normal((150, 70), np.float32), rng.integers(0, 70, 150).astype(np.int32)
    dims, found = {"M": 150, "K": 70}, {}
    for way in ("dma", "gpsimd"):
        program = engine.lower(kernel(LABEL), dims, load_chip("trn2"), {"m": 128, "gather.x": way})
        found[way] = len(gathers(program))
        assert np.array_equal(engine.execute(program, {"x": x, "at": at})["y"], x[np.arange(150), at])
    assert found == {"dma": 0, "gpsimd": 1}
    assert "gather.x" not in {each.name for each in engine.tunables(kernel(LABEL), dims, load_chip("trn1"))}


def test_two_dimensions_are_chosen_from_at_once() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((40, 6, 7), np.float32)
    row, column = rng.integers(0, 6, 33).astype(np.int32), rng.integers(0, 7, 33).astype(np.int32)
    text = IMAGE.replace("row: i32[P], column: i32[P]", "row: i32[C, P], column: i32[C, P]")
    text = text.replace("row[p], column[p]", "row[c, p], column[c, p]")
    program = engine.lower(kernel(text), {"C": 40, "H": 6, "W": 7, "P": 33}, load_chip("trn2"), {"c": 40, "p": 16})
    arguments = {"x": x, "row": np.tile(row, (40, 1)), "column": np.tile(column, (40, 1))}
    assert np.array_equal(engine.execute(program, arguments)["y"], x[:, row, column])


def test_a_position_outside_is_an_error_of_the_data() -> None:
    program = engine.lower(kernel(ELEMENTS), {"M": 2, "K": 3, "N": 1}, load_chip("trn2"), {"m": 2, "n": 1})
    arguments = {"x": np.ones((2, 3), np.float32), "at": np.array([[2], [3]], np.int32)}
    with pytest.raises(TileryError, match="the data ask for others"):
        engine.execute(program, arguments)


def test_what_it_takes_is_two_cycles_an_element_and_a_start_for_each_512() -> None:
    chip, dims = load_chip("trn2"), {"M": 128, "K": 64, "N": 1024}
    program = engine.lower(kernel(ELEMENTS), dims, chip, {"m": 128, "n": 1024})
    (node,) = gathers(program)
    extents = {"m": 128, "n": 1024, "x.2": 64}
    seconds = duration_s(node, trainium(chip), extents, dims)
    assert seconds == pytest.approx((2 * 150 + 2 * 1024) / 1.2e9)
