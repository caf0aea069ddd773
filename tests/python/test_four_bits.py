"""Integers of four bits from Python."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np

import tilery
from tilery.python.four_bits import packed


def called(folder: Path, element: str) -> tilery.Kernel:
    path = folder / f"{element}.tk"
    path.write_text(
        f"kernel tripled(w: {element}[M, N]) -> y: i32[M, N]:\n    tile m of M, n of N:\n        y[m, n] = w[m, n] * 3\n"
    )
    return tilery.load(path).tripled


def test_four_bits_come_as_bytes_or_as_elements(tmp_path: Path) -> None:
    kernel = called(tmp_path, "u4")
    w = np.arange(16, dtype=np.uint8).reshape(2, 8)
    as_bytes = w[:, ::2] | (w[:, 1::2] << 4)
    for given in (as_bytes, as_bytes.view(np.int8), w.astype(ml_dtypes.uint4)):
        assert np.array_equal(kernel(given), 3 * w.astype(np.int32))
    signed = called(tmp_path, "i4")(as_bytes)
    assert signed[1].tolist() == [-24, -21, -18, -15, -12, -9, -6, -3]
    assert np.array_equal(packed(w.astype(ml_dtypes.uint4)), as_bytes)
