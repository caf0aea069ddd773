"""Every published measurement stays as near to its prediction as it is today."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _truth() -> ModuleType:
    """`benchmarks/truth.py`, which is a script."""
    path = Path(__file__).parents[2] / "benchmarks" / "truth.py"
    spec = importlib.util.spec_from_file_location("truth", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["truth"] = module
    spec.loader.exec_module(module)
    return module


TRUTH = _truth()
BAND = 0.5
"""Percentage points by which a row may move before somebody has to say why, in docs/decisions.md."""
ERROR_PERCENT = {
    "trn1-mm-tiled": -55.2,
    "trn1-mm-hoist": -60.3,
    "trn1-mm-block2x2": -53.5,
    "trn1-mm-full": -8.4,
    "trn2-dma-1k": +6.6,
    "trn2-dma-4k": +3.1,
    "trn2-pe-bf16": +0.1,
    "trn2-pe-f32": -0.2,
    "trn2-mm32-tiled": +5.2,
    "trn2-mm32-hoist": +3.4,
    "trn2-mm32-block2x2": -1.1,
    "trn2-mm32-full": +16.5,
    "trn2-mm2048-sunk": +31.9,
    "trn2-mm2048-drain1": -10.7,
    "trn2-mm2048-drain2": +1.3,
    "trn2-mm2048-hand": +8.4,
}
FOUND = {row.id: (row, TRUTH.predicted_us(row)) for row in TRUTH.rows()}


def test_every_row_has_a_band() -> None:
    assert set(FOUND) == set(ERROR_PERCENT)


@pytest.mark.parametrize("name", ERROR_PERCENT)
def test_a_prediction_errs_as_it_did(name: str) -> None:
    row, predicted_us = FOUND[name]
    assert (predicted_us / row.measured_us - 1) * 100 == pytest.approx(ERROR_PERCENT[name], abs=BAND)


def test_variants_come_out_in_the_order_that_was_measured() -> None:
    assert TRUTH.misordered(list(FOUND.values())) == []
