"""`rand` and `random_bits`: the published answers of the generator; numbers that depend on positions, seed and stream alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.numbers.rounding import Array
from tilery.backends.operations import numerics
from tilery.backends.truth.reference import reference
from tilery.dsl import parse
from tilery.dsl.program import Program


def _signed(word: int) -> Array:
    return np.asarray(word, np.uint32).view(np.int32)


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0, 0), (0, 0), 0x6B200159),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), 0x1CB996FC),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), 0xC4923A9C),
    ],
)
def test_the_published_answers(counter: tuple[int, int], key: tuple[int, int], answer: int) -> None:
    """The known answers of Random123 for threefry2x32 with 20 rounds."""
    got = numerics.elementwise("random_bits", [_signed(each) for each in (*counter, *key)])
    assert int(got.view(np.uint32)) == answer


TEXT = """
kernel draw(x: f32[B, M, N], seed: i32) -> (y: f32[B, M, N], z: f32[N]):
    reference:
        y[B, M, N] = rand[B, M, N](seed) + 0 * x[B, M, N]
        z[N] = rand[N](seed, 1)
    tile b of B by 1, m of M, n of N:
        y[b, m, n] = rand[b, m, n](seed) + 0 * x[b, m, n]
    tile p of N:
        z[p] = rand[p](seed, 1)
"""


def _kernel() -> Program:
    return parse(TEXT).kernels["draw"].specialise({}, {})


@settings(max_examples=15, deadline=None)
@given(st.integers(-(2**31), 2**31 - 1), st.integers(1, 9), st.integers(1, 40), st.integers(1, 40))
def test_the_same_whatever_the_tiles(seed: int, m: int, n: int, p: int) -> None:
    kernel, dims = _kernel(), {"B": 3, "M": 7, "N": 33}
    arguments: dict[str, Array | float] = {"x": np.zeros((3, 7, 33), np.float32), "seed": seed}
    want = reference(kernel, dims, arguments)
    tiles = {"b": 1, "m": m, "n": n, "p": p}
    for got in (emulator.compile(kernel, dims, tiles)(arguments), emulator.step_through(kernel, dims, tiles, arguments)):
        np.testing.assert_array_equal(got["y"], want["y"])
        np.testing.assert_array_equal(got["z"], want["z"])


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
def test_the_same_on_a_chip(chip: str) -> None:
    kernel, dims, on = _kernel(), {"B": 2, "M": 130, "N": 33}, load_chip(chip)
    arguments: dict[str, Array | float] = {"x": np.zeros((2, 130, 33), np.float32), "seed": -5}
    tiles = {"m": 64, "n": 20, "p": 20}
    config = {each.name: tiles.get(each.name, each.values[0]) for each in engine.tunables(kernel, dims, on)}
    program = engine.lower(kernel, dims, on, config)
    got, want = engine.execute(program, arguments), reference(kernel, dims, arguments)
    for name in ("y", "z"):
        np.testing.assert_array_equal(got[name], want[name])


def test_uniform_and_apart() -> None:
    """Moments and the correlation of neighbours, seeds and streams, of a quarter of a million numbers: within five deviations."""
    text = (
        "kernel f(x: f32[M, N], seed: i32, stream: i32) -> y: f32[M, N]:\n    y[M, N] = rand[M, N](seed, stream) + 0 * x[M, N]\n"
    )
    text = (
        text.replace("    y[M, N] =", "    tile m of M:\n        y[m, N] =")
        .replace("rand[M,", "rand[m,")
        .replace("x[M, N]\n", "x[m, N]\n")
    )
    kernel = parse(text).kernels["f"].specialise({}, {})
    run = emulator.compile(kernel, {"M": 512, "N": 512}, {"m": 64})

    def draw(seed: int, stream: int) -> Array:
        return np.asarray(run({"x": np.zeros((512, 512), np.float32), "seed": seed, "stream": stream})["y"], np.float64)

    drawn = draw(1, 0)
    count = drawn.size
    assert drawn.min() >= 0 and drawn.max() < 1 and drawn.max() > 1 - 1e-4
    assert abs(drawn.mean() - 0.5) < 5 * np.sqrt(1 / 12 / count)
    assert abs(drawn.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / count)
    parts = np.bincount((drawn * 64).astype(int).ravel(), minlength=64)
    assert np.abs(parts - count / 64).max() < 5 * np.sqrt(count / 64)
    for other in (draw(2, 0), draw(1, 1), np.roll(drawn, 1, 0), np.roll(drawn, 1, 1)):
        assert abs(np.mean((drawn - 0.5) * (other - 0.5))) < 5 / 12 / np.sqrt(count)
