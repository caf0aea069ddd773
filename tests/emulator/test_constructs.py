"""The kernels that prove a construct of the language each, at ragged shapes, against their references."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tilery import dsl
from tilery.backends import emulator
from tilery.backends.truth import accuracy, data
from tilery.backends.truth.error_analysis import explained_errors
from tilery.backends.truth.reference import reference
from tilery.dsl import check_requirements, program
from tilery.dsl.errors import UsageError
from tilery.dsl.types import BF16, F32, ElementType

FOLDER = Path(__file__).parents[1] / "kernels"
KERNELS = [
    (path.relative_to(FOLDER).with_suffix("").as_posix(), name)
    for path in sorted(FOLDER.rglob("*.tk"))
    for name, definition in dsl.load(path).kernels.items()
    if definition.kernel.reference
]


def specialised(file: str, name: str, t: ElementType) -> program.Program:
    definition = dsl.load(FOLDER / f"{file}.tk").kernels[name]
    return definition.specialise(dict.fromkeys(definition.signature.type_variables, t), {})


def ragged(kernel: program.Program) -> dict[str, int]:
    dims = dict(zip(kernel.signature.dimensions, (5, 7, 11, 13, 3, 9, 17, 19), strict=False))
    dims |= {"R": 3, "S": 3} if kernel.name == "conv2d" else {}
    return dims | ({"S": 131, "L": 131} if kernel.name == "sliding_window" else {})


@pytest.mark.parametrize("size", [1, 2, 4, 64])
@pytest.mark.parametrize("t", [F32, BF16], ids=str)
@pytest.mark.parametrize(("file", "name"), KERNELS)
def test_as_the_reference_says(file: str, name: str, t: ElementType, size: int) -> None:
    kernel = specialised(file, name, t)
    dims = ragged(kernel)
    check_requirements(kernel, dims)
    tiles = {each.axis.name: each.by.choices[0] if each.by.choices else size for each in kernel.loop_variables}
    arguments = data.random_arguments(kernel, dims, 0)
    if name == "linear_recurrence":  # whose reference takes the logarithm
        arguments["a"] = np.asarray(np.abs(np.asarray(arguments["a"], np.float32)) % 1 + 0.1, np.asarray(arguments["a"]).dtype)
    got = emulator.compile(kernel, dims, tiles)(arguments)
    want = reference(kernel, dims, arguments)
    found = accuracy.compare(kernel, dims, got, want)
    assert found.ok, str(found)
    if any(each.element.kind != "float" for each in kernel.signature.results):
        return
    # And element by element, as the analysis of rounding errors says.
    explained = explained_errors(kernel, dims, arguments, {each: np.ones(array.shape, bool) for each, array in want.items()})
    for each in kernel.signature.results:
        off = np.abs(got[each.name].astype(np.float64) - want[each.name])
        assert (off <= explained[each.name] + 2.0**-each.element.significand_bits * np.abs(want[each.name]) + 1e-45).all()


def parsed(text: str) -> program.Program:
    (definition,) = dsl.parse(text).kernels.values()
    return definition.specialise({"T": F32}, {})


GATHER = """
kernel pick(x: T[M, N], label: i32[M]) -> y: T[M]:
    tile m of M:
        y[m] = x[m, label[m]]
"""
FALL_BACK = GATHER.replace("label[m]]", "label[m], else -1]")


def test_each_row_picks_its_own_column() -> None:
    x, label = np.arange(12, dtype=np.float32).reshape(4, 3), np.array([2, 0, 1, 2], np.int32)
    got = emulator.compile(parsed(GATHER), {"M": 4, "N": 3}, {"m": 3})({"x": x, "label": label})
    assert got["y"].tolist() == [2, 3, 7, 11]


def test_data_that_point_outside() -> None:
    x, label = np.ones((4, 3), np.float32), np.array([2, 3, 1, -1], np.int32)
    with pytest.raises(UsageError, match=r"dimension 2 of `x` has the positions 0\.\.2, and the data ask for 3"):
        emulator.compile(parsed(GATHER), {"M": 4, "N": 3}, {"m": 2})({"x": x, "label": label})
    got = emulator.compile(parsed(FALL_BACK), {"M": 4, "N": 3}, {"m": 2})({"x": x, "label": label})
    assert got["y"].tolist() == [1, -1, 1, -1]


def test_scattering_outside_is_an_error_and_twice_to_one_place_adds() -> None:
    kernel = specialised("embedding", "embedding_gradient", F32)
    dims = {"S": 5, "D": 2, "V": 3}
    arguments = {"dy": np.ones((5, 2), np.float32), "table": np.zeros((3, 2), np.float32)}
    emulation = emulator.compile(kernel, dims, {"s": 4, "d": 2})
    got = emulation({**arguments, "ids": np.array([2, 0, 2, 2, 0], np.int32)})
    assert got["grad"][:, 0].tolist() == [2, 0, 3]
    with pytest.raises(UsageError, match="the data ask for 7"):
        emulation({**arguments, "ids": np.array([2, 0, 7, 2, 0], np.int32)})


BACKWARDS = """
kernel backwards(x: T[N]) -> y: T[N]:
    tile n of N:
        y[n] = x[N - 1 - n]
"""
BOTH_ENDS = """
kernel both_ends(x: T[N]) -> y: T[N]:
    tile n of N:
        y[n] = x[n - 2, else 100] + x[n + 3, else 1000]
"""


@pytest.mark.parametrize("tile", [1, 3, 8])
def test_views_of_every_kind(tile: int) -> None:
    x = np.arange(7, dtype=np.float32)
    run = {text: emulator.compile(parsed(text), {"N": 7}, {"n": tile}) for text in (BACKWARDS, BOTH_ENDS)}
    assert run[BACKWARDS]({"x": x})["y"].tolist() == x[::-1].tolist()
    want = [(x[n - 2] if n >= 2 else 100) + (x[n + 3] if n + 3 < 7 else 1000) for n in range(7)]
    assert run[BOTH_ENDS]({"x": x})["y"].tolist() == want


def test_strided_arguments_are_read_where_they_lie() -> None:
    x = np.arange(14, dtype=np.float32)[::2]
    assert emulator.compile(parsed(BACKWARDS), {"N": 7}, {"n": 3})({"x": x})["y"].tolist() == x[::-1].tolist()
