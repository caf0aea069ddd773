"""The emulator's own tile sizes: within what the text allows, with right values, and with small temporaries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilery import dsl
from tilery.backends import emulator
from tilery.backends.emulator.own_tiles import LARGEST, own_tiles
from tilery.backends.truth import data
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.reference import reference
from tilery.dsl.program import Program
from tilery.dsl.types import F32

KERNELS = Path(__file__).parents[2] / "kernels"
SHIPPED = ("matmul", "linear_gelu", "softmax", "rmsnorm", "attention")


def parsed(text: str) -> Program:
    (definition,) = dsl.parse(text).kernels.values()
    return definition.specialise({"T": F32}, {})


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("extent", [1, 37, 700])
def test_shipped_kernels_are_right(name: str, extent: int) -> None:
    kernel = dsl.load(KERNELS / f"{name}.tk").kernels[name].specialise({"T": F32}, {})
    dims = {each: extent + place if extent > 1 else 1 for place, each in enumerate(kernel.signature.dimensions)}
    if "H" in dims:
        dims["H"] = 2
    arguments = data.random_arguments(kernel, dims, 0)
    got = emulator.compile(kernel, dims, own_tiles(kernel, dims))(arguments)
    assert compare(kernel, dims, got, reference(kernel, dims, arguments), arguments).ok


SIZES = [("", 100, 100), ("", 9000, 512), (" by 64..256", 9000, 256), (" by 600..900", 9000, 600), (" by {32, 300}", 9000, 300)]


@pytest.mark.parametrize(("by", "extent", "wanted"), SIZES)
def test_the_text_has_its_say(by: str, extent: int, wanted: int) -> None:
    text = f"kernel total(x: T[M, K]) -> y: f32[M]:\n    tile m of M:\n        s = zeros[m]\n        for k of K{by}:\n"
    kernel = parsed(text + "            s += sum[k](x[m, k])\n        y[m] = s\n")
    assert own_tiles(kernel, {"M": 4, "K": extent})["k"] == wanted


def test_what_the_text_fixes_is_not_chosen() -> None:
    text = "kernel total(x: T[M, K]) -> y: f32[M]:\n    tune TK in {8, 16} = 16\n    tile m of M by 1:\n        s = zeros[m]\n"
    kernel = parsed(text + "        for k of K by TK:\n            s += sum[k](x[m, k])\n        y[m] = s\n")
    assert own_tiles(kernel, {"M": 4, "K": 100}) == {}


def test_several_summed_axes_do_not_multiply_up() -> None:
    text = "kernel total(x: T[A, B, C, M]) -> y: f32[M]:\n    tile m of M:\n        s = zeros[m]\n        for a of A:\n"
    text += "            for b of B:\n                for c of C:\n                    s += sum[a, b, c](exp(x[a, b, c, m]))\n"
    kernel = parsed(text + "        y[m] = s\n")
    sizes = own_tiles(kernel, {"A": 1000, "B": 1000, "C": 1000, "M": 1000})
    assert 1 << 16 <= sizes["a"] * sizes["b"] * sizes["c"] <= LARGEST
