"""Every published measurement stays as near to its prediction as it is today."""

from __future__ import annotations

import pytest

from benchmarks import fit, truth
from tilery.backends.chips import load_chip

BAND = 0.5
"""Percentage points by which a row may move before somebody has to say why, in docs/decisions.md."""
ERROR_PERCENT = {
    "trn1-mm-tiled": -45.0,
    "trn1-mm-hoist": -62.8,
    "trn1-mm-block2x2": -50.4,
    "trn1-mm-full": -8.8,
    "trn2-dma-1k": +0.0,
    "trn2-dma-4k": +0.0,
    "trn2-pe-bf16": +0.1,
    "trn2-pe-f32": -0.2,
    "trn2-mm32-tiled": -1.3,
    "trn2-mm32-hoist": +3.0,
    "trn2-mm32-block2x2": -1.1,
    "trn2-mm32-full": +15.1,
    "trn2-mm2048-sunk": +10.7,
    "trn2-mm2048-drain1": -21.7,
    "trn2-mm2048-drain2": -3.1,
    "trn2-mm2048-hand": -0.9,
    "trn1-silu": -32.8,
    "trn1-silu-best": +0.1,
    "trn1-bmm": +0.1,
    "trn2-gelu-small-bf16": +11.6,
    "trn2-gelu-small-f32": +1.1,
    "trn1-mm-tiled-2025": +35.8,
    "trn1-adamw": +0.2,
    "trn1-rope": -31.3,
    "trn1-matmul-turned": -10.2,
    "trn1-transpose-matmul": -3.0,
    "trn1-rmsnorm-matmul": -18.0,
    "trn2-ladder-512": -55.5,
    "trn2-ladder-1024": -32.8,
    "trn2-ladder-1536": -16.3,
    "trn2-ladder-2048": +5.7,
    "trn2-ladder-2560": +8.3,
    "trn2-ladder-3072": -0.4,
    "trn2-ladder-3584": +8.4,
    "trn2-ladder-4096": +7.5,
    "trn2-ladder-4608": +0.6,
    "trn2-ladder-5120": +4.4,
    "trn2-turned-1024": -11.0,
    "trn2-turned-1536": +6.4,
    "trn2-turned-2048": +20.9,
    "trn2-turned-2560": +10.9,
    "trn2-turned-3072": +3.5,
    "trn2-turned-3584": +8.4,
    "trn2-turned-4096": +6.2,
    "trn2-turned-4608": +3.3,
    "trn2-turned-5120": +7.5,
    "trn2-gelu-256-bf16": +14.2,
    "trn2-gelu-256-f32": +1.4,
    "trn2-gelu-512-bf16": +21.6,
    "trn2-gelu-512-f32": +3.9,
    "trn2-attention-512-bf16": +13.1,
    "trn2-attention-512-f32": +5.9,
    "trn2-attention-1024-bf16": +3.1,
    "trn2-attention-1024-f32": -2.4,
    "trn2-attention-2048-bf16": +9.8,
    "trn2-attention-2048-f32": -0.4,
    "trn2-attention-4096-bf16": +21.9,
    "trn2-attention-4096-f32": +2.7,
}
FOUND = {row.id: truth.found(row) for row in truth.rows()}


def test_every_row_has_a_band() -> None:
    assert set(FOUND) == set(ERROR_PERCENT)


@pytest.mark.parametrize("name", ERROR_PERCENT)
def test_a_prediction_errs_as_it_did(name: str) -> None:
    assert FOUND[name].error * 100 == pytest.approx(ERROR_PERCENT[name], abs=BAND)


def test_variants_come_out_in_the_order_that_was_measured() -> None:
    assert truth.misordered([(each.row, each.predicted_us) for each in FOUND.values()]) == []


def test_a_launch_is_added_where_the_measurement_includes_it() -> None:
    launched = {name for name, each in FOUND.items() if each.launch_us}
    assert {"trn2-gelu-small-bf16", "trn2-ladder-4096"} <= launched and "trn2-mm32-full" not in launched
    assert all(each.predicted_us == each.kernel_us + each.launch_us for each in FOUND.values())


@pytest.mark.parametrize("each", fit.FITS, ids=lambda each: each.constants[0])
def test_constants_are_those_that_fit_best(each: fit.Fit) -> None:
    """To the digits that the chip file gives."""
    best, _ = fit.fitted(each)
    chip = load_chip(each.chip)
    for name, value in best.items():
        assert fit.value_of(chip, name) == pytest.approx(value, rel=0.03)
