"""Tiles shorter than the chip is wide: offered where they waste nothing, and only there."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.choosing import default
from tilery.backends.machine.choosing.assemble import lowering, tunables
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.trainium.loose import short_sizes
from tilery.dsl import parse
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES
from tilery.tuner.options import Options

from ..specialised import SHAPES, specialised
from ..tuner.tuned import tuned

SCALED = """\
kernel scaled(x: T[S, H, D], w: T[H, D]) -> y: T[S, H, D]:
    reference:
        y[S, H, D] = x[S, H, D] * w[H, D]
    tile h of H, s of S:
        y[s, h, D] = x[s, h, D] * w[h, D]
"""
SCORES = """\
kernel scores(q: T[S, H, D], k: T[L, H, D]) -> o: f32[H, S, L]:
    tile h of H, i of S, j of L:
        o[h, i, j] = dot[D](q[i, h, D], k[j, h, D])
"""
SUMS = """\
kernel sums(x: T[M, K, N]) -> y: T[M, N]:
    tile m of M, n of N:
        y[m, n] = sum[K](x[m, K, n])
"""
RANGED = """\
kernel ranged(x: T[M, N]) -> y: T[M, N]:
    tile m of M by 16..64:
        y[m, N] = x[m, N] + 1
"""
CHIP = load_chip("trn2")


def kernel_of(text: str) -> Program:
    (definition,) = parse(text).kernels.values()
    return definition.specialise({"T": ELEMENT_TYPES["f32"]}, {})


def sizes(kernel: Program, **dims: int) -> dict[str, tuple[int | str, ...]]:
    return {each.name: each.values for each in lowering(kernel, CHIP).tile_sizes(dims)}


def test_twelve_heads_that_do_not_fit_together_are_cut() -> None:
    kernel, dims = kernel_of(SCALED), {"S": 2048, "H": 12, "D": 8192}
    assert sizes(kernel, **dims)["h"] == (1, 2, 3, 4, 6, 12)
    found = tuned(kernel, dims, CHIP, Options(trials=60, budget_s=10))
    pick = engine.default_config(kernel, dims, CHIP)
    assert latency_fs(engine.lower(kernel, dims, CHIP, found.config)) <= latency_fs(engine.lower(kernel, dims, CHIP, pick))


def test_a_batch_of_products_is_cut_and_their_sides_are_not() -> None:
    found = sizes(kernel_of(SCORES), S=100, H=12, L=100, D=64)
    assert found == {"h": (1, 2, 3, 4, 6, 12), "i": (100,), "j": (100,)}


def test_the_last_axis_is_cut_where_it_is_short() -> None:
    kernel = kernel_of(SUMS)
    assert sizes(kernel, M=256, K=700, N=100)["n"] == (1, 2, 4, 7, 10, 13, 20, 25, 50, 100)
    assert sizes(kernel, M=256, K=700, N=512)["n"] == (128, 256, 512)
    assert sizes(kernel, M=100, K=700, N=100)["m"] == (100,)
    engine.default_config(kernel, {"M": 128, "K": 700, "N": 100}, CHIP)


def test_a_range_in_the_text_is_taken_at_its_word() -> None:
    (tile,) = lowering(kernel_of(RANGED), CHIP).tile_sizes({"M": 1000, "N": 100})
    assert (tile.values, tile.default) == ((16, 64), 64)


@pytest.mark.parametrize("name", SHAPES)
def test_the_shipped_kernels_have_no_tile_that_only_wastes(name: str) -> None:
    for dims in SHAPES[name]:
        kernel = specialised(name, "bf16")
        assert tunables(kernel, dims, CHIP) == tunables(kernel, dims, CHIP, short=False)


def test_the_pick_is_no_slower_than_without_short_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [
        (SCALED, {"S": 512, "H": 12, "D": 128}),
        (SCALED, {"S": 64, "H": 100, "D": 64}),
        (SUMS, {"M": 256, "K": 40, "N": 96}),
    ]
    for text, dims in cases:
        kernel = kernel_of(text)
        pick = engine.default_config(kernel, dims, CHIP)
        with monkeypatch.context() as patch:
            patch.setattr(default, "tunables", partial(tunables, short=False))
            long = engine.default_config(kernel, dims, CHIP)
        times = [latency_fs(engine.lower(kernel, dims, CHIP, config)) for config in (pick, long)]
        assert times[0] <= times[1]


@given(st.integers(1, 128))
def test_a_short_dimension_is_cut_into_even_parts(extent: int) -> None:
    found = sorted(short_sizes(extent, 128))
    assert found[0] == 1
    assert found[-1] == extent
    assert len(found) <= 16
    assert all(-(-extent // size) * size - extent < -(-extent // size) for size in found), (
        "a last tile misses less than one a tile"
    )
