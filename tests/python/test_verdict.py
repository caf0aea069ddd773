"""`kernel.check`, `kernel.reference` and the ranges of a call, on arrays of one's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import tilery
from tilery.dsl import UsageError
from tilery.python.within import MOST_ELEMENTS

TEXT = """
kernel masked(x: T[B, L] in -4..4, used: i32[B] in 1..width, s: f32 in 0..0.1 = 0.1, width: int = 8) -> (y: f32[B], z: T[B, L]):
    reference:
        y[B] = sum[L](where(index[L] < used[B], x[B, L], 0)) * s
        z[B, L] = x[B, L]
    tile b of B:
        total = zeros[b]
        for j of L:
            total += sum[j](where(j < used[b], x[b, j], 0))
            z[b, j] = x[b, j]
        y[b] = total * s
"""
X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(3, 8)
USED = np.array([1, 5, 8], np.int32)


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> tilery.Kernel:
    path: Path = tmp_path_factory.mktemp("verdict") / "masked.tk"
    path.write_text(TEXT, encoding="utf-8")
    return tilery.load(path).only()


def test_the_reference_is_in_float64_and_named(masked: tilery.Kernel) -> None:
    results = masked.reference(X, USED, s=0.05)
    expected = [X[row, :used].astype(np.float64).sum() * 0.05 for row, used in enumerate(USED)]
    np.testing.assert_allclose(results.y, expected, rtol=1e-12)
    assert results.y.dtype == np.float64 and (results.z == X).all()


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_a_right_kernel(masked: tilery.Kernel, dtype: Any) -> None:
    verdict = masked.check(X.astype(dtype), USED)
    assert verdict and verdict.right and verdict.verdict == "right" and verdict.error <= verdict.allowed < 1e-2
    assert repr(verdict).startswith("<masked is right: largest error ")
    np.testing.assert_array_equal(verdict.results.y, masked(X.astype(dtype), USED).y)


def test_results_of_another_kind_are_judged(masked: tilery.Kernel) -> None:
    y, z = masked(X, USED)
    assert masked.check(X, USED, results=(y, z)) and masked.check(X, USED, results={"z": z, "y": y})
    verdict = masked.check(X, USED, results=(y + 1, z))
    assert not verdict and verdict.verdict == "wrong" and verdict.comparison.worst_result == "y"


def test_a_reference_of_nan_proves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "root.tk"
    path.write_text("kernel root(v: f32[N]) -> y: f32[N]:\n    reference:\n        y[N] = sqrt(v[N])\n    y[N] = sqrt(v[N])\n")
    root = tilery.load(path).only()
    assert root.check(np.full(9, -1, np.float32)).verdict == "unproven" and root.check(np.ones(9, np.float32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"used": np.array([1, 0, 3], np.int32)},
            r"`used` is 0 at \[1\], outside its range 1..8",
        ),
        ({"used": np.array([1, 2, 9], np.int32)}, r"`used` is 9 at \[2\], outside its range 1..8"),
        ({"used": np.array([1, 2, 5], np.int32), "width": 4}, r"`used` is 5 at \[2\], outside its range 1..4"),
        ({"s": 0.2}, "`s` is 0.2, outside its range 0..0.1"),
        ({"s": float("nan")}, "`s` is nan, outside its range 0..0.1"),
        ({"x": np.where(X > 0.99, np.nan, X)}, r"`x` is nan at \[2, 7\], outside its range -4..4"),
        ({"x": np.where(X > 0.99, 5, X).astype(ml_dtypes.bfloat16)}, r"`x` is 5 at \[2, 7\], outside"),
    ],
)
@pytest.mark.parametrize("door", ["__call__", "check", "reference"])
def test_what_lies_outside_a_range(masked: tilery.Kernel, door: str, change: dict[str, object], message: str) -> None:
    called: Callable[..., object] = getattr(masked, door)
    with pytest.raises(UsageError, match=message):
        called(**({"x": X, "used": USED} | change))


def test_the_ends_are_inside_though_a_type_rounds_them(masked: tilery.Kernel) -> None:
    masked(np.full_like(X, 4), np.full_like(USED, 8), 0.1)
    masked(np.full_like(X, -4), np.full_like(USED, 1), float(np.float32(0.1)))


def test_large_arrays_are_looked_at_only_where_a_verdict_is_asked_for(masked: tilery.Kernel) -> None:
    x = np.zeros((MOST_ELEMENTS // 8 + 1, 8), np.float32)
    x[7, 3] = 5
    used = np.ones(len(x), np.int32)
    masked(x, used)
    with pytest.raises(UsageError, match=r"`x` is 5 at \[7, 3\]"):
        masked.check(x, used)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (np.zeros(3, np.float32), "`results` holds one array for each result: y, z"),
        ((np.zeros(4, np.float32), X), r"the result `y` has the shape \[3\], and was given as \[4\]"),
        ((np.zeros(3), X), r"the result `y` is f32, and was given as float64; write y.astype\(numpy.float32\)"),
    ],
)
def test_results_that_do_not_fit(masked: tilery.Kernel, results: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        masked.check(X, USED, results=results)


def test_without_a_reference(tmp_path: Path) -> None:
    path = tmp_path / "plain.tk"
    path.write_text("kernel plain(x: f32[N]) -> y: f32[N]:\n    y[N] = x[N]\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no `reference:`"):
        tilery.load(path).only().check(np.ones(3, np.float32))
