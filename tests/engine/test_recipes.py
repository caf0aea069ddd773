"""What docs/language.md writes with reductions gives numpy's values, in the emulator and exactly on every chip."""

from __future__ import annotations

import numpy as np
import pytest

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.numbers.rounding import Array
from tilery.dsl import parse
from tilery.dsl.program import Program
from tilery.dsl.types import F32

from ..docs.blocks import ROOT, blocks_of

PAGE = ROOT / "docs" / "language.md"
DIMS = {"M": 37, "N": 150}
ROWS = np.random.default_rng(0).permutation(37 * 150).reshape(37, 150).astype(np.float32)
PLACES = np.argsort(-ROWS, axis=1)[:, :3]


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
def test_the_largest_few(chip: str) -> None:
    (block,) = [each for each in blocks_of(PAGE, "tk") if "kernel top_three(" in each.text]
    kernel = parse(block.text).kernels["top_three"].specialise({"T": F32}, {})
    for got in _both_ways(kernel, DIMS, {"x": ROWS}, chip):
        np.testing.assert_array_equal(got["value"], np.take_along_axis(ROWS, PLACES, 1))
        np.testing.assert_array_equal(got["place"], PLACES)


@pytest.mark.parametrize("fn", ["any", "all"])
def test_truth_values_over_several_axes(fn: str) -> None:
    text = f"kernel f(x: bool[M, D, N]) -> y: bool[M]:\n    tile m of M:\n        y[m] = {fn}[D, N](x[m, D, N])\n"
    kernel = parse(text).kernels["f"].specialise({}, {})
    x = np.random.default_rng(1).random((37, 2, 5)) < (0.9 if fn == "all" else 0.1)
    want = getattr(np, fn)(x, axis=(1, 2))
    assert want.any() and not want.all()
    for got in _both_ways(kernel, {"M": 37, "D": 2, "N": 5}, {"x": x}, "trn2"):
        np.testing.assert_array_equal(got["y"], want)


def _both_ways(kernel: Program, dims: dict[str, int], given: dict[str, Array | float], chip: str) -> list[dict[str, Array]]:
    on = load_chip(chip)
    config = engine.default_config(kernel, dims, on)
    exact = engine.execute(engine.lower(kernel, dims, on, config), given)
    return [exact, emulator.compile(kernel, dims, emulator.own_tiles(kernel, dims))(given)]
