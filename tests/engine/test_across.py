"""Reductions across the partitions, where no layout avoids them: the ways of the chip, whole tiles, and the cost on paper."""

from __future__ import annotations

import numpy as np
import pytest

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.numbers.rounding import to_storage
from tilery.backends.operations.numerics import Array
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.trainium.cost import duration_s
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.reference import reference
from tilery.dsl import parse
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

DIMS = {"M": 150, "N": 70}
BOTH = """
kernel f(x: T[M, N]) -> y: {result}[M, N]:
    reference:
        y[M, N] = {fn}[M](x[M, N]) {op} {fn}[N](x[M, N])
    y[M, N] = {fn}[M](x[M, N]) {op} {fn}[N](x[M, N])
"""
WHOLE = """
kernel f(x: T[M, N]) -> y: {result}[M, N]:
    reference:
        y[M, N] = {fn}[M, N](x[M, N]) {op} x[M, N]
    found = {fn}[M, N](x[M, N])
    tile m of M:
        y[m, N] = found {op} x[m, N]
"""


def kernel(text: str, fn: str, element: str) -> Program:
    truth = element == "bool"
    result = "bool" if truth else "f32"
    filled = text.replace("{fn}", fn).replace("{op}", "!=" if truth else "+").replace("{result}", result)
    return parse(filled).kernels["f"].specialise({"T": ELEMENT_TYPES[element]}, {})


def drawn(element: str) -> dict[str, Array | float]:
    """Near 1, so that products of thousands stay finite; of truth values a few that differ from the rest."""
    rng = np.random.default_rng(1)
    if element == "bool":
        return {"x": rng.random((150, 70)) < 0.02}
    if element in ("i32", "i8"):
        return {"x": rng.integers(-1, 3, (150, 70)).astype(np.int32 if element == "i32" else np.int8)}
    return {"x": to_storage(np.exp(0.05 * rng.standard_normal((150, 70))).astype(np.float32), ELEMENT_TYPES[element])}


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
@pytest.mark.parametrize("text", [BOTH, WHOLE], ids=["both", "whole"])
@pytest.mark.parametrize(
    ("fn", "element"),
    [
        ("sum", "f32"),
        ("sum", "bf16"),
        ("sum", "i32"),
        ("max", "f32"),
        ("min", "i8"),
        ("prod", "f32"),
        ("any", "bool"),
        ("all", "bool"),
    ],
)
def test_across_the_partitions(text: str, fn: str, element: str, chip: str) -> None:
    specialised, given = kernel(text, fn, element), drawn(element)
    on = load_chip(chip)
    program = engine.lower(specialised, DIMS, on, engine.default_config(specialised, DIMS, on))
    assert latency_fs(program) == latency_fs(program, jump=False)
    assert any(
        each.form == ("matmul" if fn == "sum" and element != "i32" else "transpose")
        for _, each in program.structure.instructions()
    )
    wanted = reference(specialised, DIMS, given)
    emulated = emulator.compile(specialised, DIMS, emulator.own_tiles(specialised, DIMS))(given)
    for found in (engine.execute(program, given), engine.execute(program, given, shuffle=5), emulated):
        assert compare(specialised, DIMS, found, wanted, given).ok


def test_a_sum_across_the_partitions_on_paper() -> None:
    """150 rows of 70 columns in f32: two blocks of the array, four passes over 70 columns and ten cycles each, at 2.4 GHz."""
    specialised, on = kernel(BOTH, "sum", "f32"), load_chip("trn2")
    program = engine.lower(specialised, DIMS, on, engine.default_config(specialised, DIMS, on))
    (product,) = [each for _, each in program.structure.instructions() if each.form == "matmul"]
    extents = {"M": 150, "N": 70, "%lane": 128, "%every": 128}
    assert duration_s(product, trainium(on), extents, DIMS) == pytest.approx(2 * (4 * 70 + 10) / 2.4e9)
    (ones,) = [buffer for buffer in program.structure.buffers if buffer.name == "ones.lane"]
    assert program.family.takes(ones, on, program.tile, program.extent) == 128 * 4
