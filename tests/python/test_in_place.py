"""Kernels that update arguments in place, called from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import tilery
from tilery.dsl.errors import UsageError

FOLDER = Path(__file__).parents[1] / "kernels" / "in_place"
AT = np.array([0, 4, 2], np.int32)


def kernel(file: str, name: str = "") -> Any:
    return getattr(tilery.load(FOLDER / f"{file}.tk"), name or file)


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_the_array_that_is_given_is_updated_and_returned(dtype: Any) -> None:
    cache, new = np.zeros((3, 5, 2), dtype), np.ones((3, 2), dtype)
    assert kernel("kv_append")(cache, new, AT) is cache
    wanted = np.zeros((3, 5, 2), np.float32)
    wanted[np.arange(3), AT] = 1
    assert (cache.astype(np.float32) == wanted).all()


def test_a_view_is_updated_where_it_lies() -> None:
    whole = np.zeros((3, 5, 4), np.float32)
    view = whole[:, :, ::2]
    assert kernel("kv_append")(view, np.ones((3, 2), np.float32), AT) is view
    assert whole[1, 4].tolist() == [1, 0, 1, 0] and whole.sum() == 6


def test_what_cannot_be_updated_is_refused() -> None:
    call, new = kernel("kv_append"), np.ones((3, 2), np.float32)
    cache = np.zeros((3, 5, 2), np.float32)
    with pytest.raises(UsageError, match=r"before, which is then updated in place"):
        call(cache.astype(np.float64), new, AT)
    with pytest.raises(UsageError, match="updated in place, is read-only"):
        call(np.broadcast_to(cache[:1], cache.shape), new, AT)
    with pytest.raises(UsageError, match="only updates its arguments in place"):
        call(cache, new, AT, out=cache)
    assert not cache.any()


def test_a_check_changes_nothing() -> None:
    cache = np.zeros((3, 5, 2), np.float32)
    assert kernel("kv_append").check(cache, np.ones((3, 2), np.float32), AT)
    assert not cache.any()


def test_places_declared_distinct_are_looked_at() -> None:
    with pytest.raises(UsageError, match="`ids` is declared `distinct`, and has 1 more than once"):
        kernel("scatter", "scatter_rows")(np.array([1, 1], np.int32), np.ones((2, 2), np.float32), np.zeros((4, 2), np.float32))


def test_several_arrays_and_overlaps() -> None:
    adamw = kernel("adamw")
    p, m, v = np.ones(5, np.float32), np.zeros(5, np.float32), np.zeros(5, np.float32)
    found = adamw(p, m, v, np.ones(5, np.float32))
    assert found.p is p and found.m is m and found.v is v
    np.testing.assert_allclose(p, 1 - 0.001 * (1 + 0.01), rtol=1e-6)
    with pytest.raises(UsageError, match="`p` and `m` are written to, and lie in the same memory"):
        adamw(p, p, v, np.ones(5, np.float32))
    # A gradient that shares memory with the parameters is read as it was given.
    once, moments = np.full(5, 2, np.float32), [np.zeros(5, np.float32) for _ in range(4)]
    apart = adamw(once.copy(), moments[0], moments[1], once.copy()).p.copy()
    assert (adamw(once, moments[2], moments[3], once).p == apart).all()


def test_results_beside_what_is_updated() -> None:
    ones, y = np.ones((2, 3), np.float32), np.empty((2, 1, 3), np.float32)
    keys, values = np.zeros((2, 4, 3), np.float32), np.zeros((2, 4, 3), np.float32)
    found = kernel("decode")(np.ones((2, 1, 3), np.float32), ones, ones, keys, values, np.array([0, 1], np.int32), out=y)
    assert found._fields == ("y", "keys", "values") and found.y is y and found.keys is keys
    assert keys[:, :2, 0].tolist() == [[1, 0], [0, 1]] and np.allclose(y[0], 1)
