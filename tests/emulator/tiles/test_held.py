"""Tiles written in parts and read in brackets: values, what is copied, and what is found out only once sizes are known."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery import dsl
from tilery.backends import emulator
from tilery.dsl import SourceErrors, check_requirements, program


def kernel(text: str) -> program.Program:
    (definition,) = dsl.parse(text).kernels.values()
    return definition.specialise({}, {})


EDITS = """
kernel edits(a: i32[B, I], b: i32[B, J]) -> y: i32[B]:
    tile s of B:
        t = full[s, I, J](0)
        for i of I by 1:
            for j of J by 1:
                above = t[s, i - 1, j, else 0] + where(i == 0, j + 1, 0)
                left = t[s, i, j - 1, else 0] + where(j == 0, i + 1, 0)
                corner = t[s, i - 1, j - 1, else 0] + where(i == 0, j, where(j == 0, i, 0))
                t[s, i, j] = min(above + 1, left + 1, corner + where(a[s, i] == b[s, j], 0, 1))
        y[s] = t[s, I - 1, J - 1]
"""


def edit_distance(a: list[int], b: list[int]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        row, before = [i + 1], row
        for j, y in enumerate(b):
            row.append(min(before[j + 1] + 1, row[j] + 1, before[j] + (x != y)))
    return row[-1]


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 6), st.integers(1, 7), st.integers(1, 5), st.integers(0, 1000))
def test_a_table_filled_place_by_place(extent_a: int, extent_b: int, rows: int, seed: int) -> None:
    a, b = (np.random.default_rng(seed + each).integers(0, 3, (rows, n)) for each, n in enumerate((extent_a, extent_b)))
    made, dims = kernel(EDITS), {"B": rows, "I": extent_a, "J": extent_b}
    arguments = {"a": a.astype(np.int32), "b": b.astype(np.int32)}
    wanted = [edit_distance(*each) for each in zip(a.tolist(), b.tolist(), strict=True)]
    assert emulator.compile(made, dims, {"s": 2, "i": 1, "j": 1})(arguments)["y"].tolist() == wanted
    assert emulator.step_through(made, dims, {"s": 2, "i": 1, "j": 1}, arguments)["y"].tolist() == wanted


OLD_AND_NEW = """
kernel old_and_new(x: f32[M, N]) -> (y: f32[M], z: f32[M, N]):
    tile m of M:
        row = x[m, N]
        total = zeros[m]
        for n of N:
            old = row[m, n]
            row[m, n] = 2 * old
            total += sum[n](row[m, n] - old)
        y[m] = total
        z[m, N] = row
"""


@pytest.mark.parametrize("size", [1, 3, 8])
def test_what_is_cut_before_a_write_stays_as_it_was(size: int) -> None:
    x = np.arange(35, dtype=np.float32).reshape(5, 7)
    got = emulator.compile(kernel(OLD_AND_NEW), {"M": 5, "N": 7}, {"m": 2, "n": size})({"x": x})
    assert got["y"].tolist() == x.sum(1).tolist() and got["z"].tolist() == (2 * x).tolist()
    assert x.tolist() == np.arange(35).reshape(5, 7).tolist()


TRANSPOSED = """
kernel transposed(x: f32[N, N]) -> y: f32[N, N]:
    axis M of N
    z = x[M, N]
    for k of N by 1:
        z = z[N, M] + 0 * x[k, N]
    y[M, N] = z
"""


@pytest.mark.parametrize("extent", [1, 2, 3, 6])
def test_a_carried_tile_that_is_turned_in_every_step(extent: int) -> None:
    x = np.random.default_rng(0).standard_normal((extent, extent), np.float32)
    got = emulator.compile(kernel(TRANSPOSED), {"N": extent}, {"k": 1})({"x": x})["y"]
    assert np.array_equal(got, x if extent % 2 == 0 else x.T)


WRITTEN = """
kernel written(x: f32[M, N]) -> y: f32[M]:
    tile m of M:
        for n of N by 1:
            row[m, n] = x[m, n] + 1
        y[m] = max[N](row)
"""


def test_a_step_costs_its_part_and_not_the_tile() -> None:
    dims = {"M": 256, "N": 2048}
    made = emulator.compile(kernel(WRITTEN), dims, {"m": 256, "n": 1})
    x = np.ones((256, 2048), np.float32)
    made({"x": x})
    tracemalloc.start()
    made({"x": x})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < x.nbytes / 4, "a copy of the tile was made on the way"
    copies = [each for each in program.walk(kernel(WRITTEN).body) if isinstance(each, program.Insert)]
    assert len(copies) == 1


PLACES = """
kernel places(x: f32[M, N], w: f32[G, R]) -> y: f32[M, N]:
    tile m of M:
        row = x[m, N]
        row[m, 2 * index[G] + index[R]] = w[G, R] + zeros[m]
        y[m, N] = row
"""


def test_places_that_depend_on_sizes() -> None:
    made = kernel(PLACES)
    check_requirements(made, {"M": 3, "N": 8, "G": 4, "R": 2})
    with pytest.raises(SourceErrors, match="TK463"):
        check_requirements(made, {"M": 3, "N": 20, "G": 4, "R": 3})
    with pytest.raises(SourceErrors, match="TK324"):
        check_requirements(made, {"M": 3, "N": 7, "G": 4, "R": 2})
    w = np.arange(8, dtype=np.float32).reshape(4, 2)
    got = emulator.compile(made, {"M": 3, "N": 9, "G": 4, "R": 2}, {"m": 2})({"x": np.full((3, 9), 9, np.float32), "w": w})
    assert got["y"].tolist() == [[*range(8), 9]] * 3


def test_an_axis_of_less_than_no_elements_is_an_error_of_the_sizes() -> None:
    text = "kernel f(x: f32[M, N]) -> y: f32[M]:\n    axis P of N - 4\n    y[M] = sum[P](x[M, index[P]])\n"
    with pytest.raises(SourceErrors, match="the axis `P` has less than no elements"):
        check_requirements(kernel(text), {"M": 3, "N": 3})
    empty = {"x": np.ones((3, 4), np.float32)}
    assert emulator.compile(kernel(text), {"M": 3, "N": 4}, {})(empty)["y"].tolist() == [0, 0, 0]


def test_a_tile_over_nothing() -> None:
    x = np.ones((3, 0), np.float32)
    got = emulator.compile(kernel(WRITTEN.replace("max", "sum")), {"M": 3, "N": 0}, {"m": 2, "n": 1})({"x": x})
    assert got["y"].tolist() == [0, 0, 0]


def test_an_axis_is_part_of_the_fingerprint() -> None:
    def text(size: str) -> str:
        return f"kernel f(x: f32[M, N]) -> y: f32[M]:\n    axis P of {size}\n    y[M] = sum[P](x[M, index[P]])\n"

    assert dsl.fingerprint(kernel(text("N // 2"))) != dsl.fingerprint(kernel(text("N // 3")))
    assert "axis P of N // 2" in dsl.print_program(kernel(text("N // 2")))
