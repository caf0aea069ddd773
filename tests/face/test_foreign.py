"""Arrays of torch and JAX in and out, where they are installed, and of anything with `__array__` or DLPack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import tilery
import tilery.kernels

A = np.random.default_rng(0).standard_normal((20, 30)).astype(np.float32)


def test_torch() -> None:
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(A.copy()).requires_grad_()
    got = tilery.kernels.softmax(x)
    assert isinstance(got, torch.Tensor)
    assert torch.allclose(got, torch.softmax(x, 1), atol=1e-6)


def test_torch_bf16() -> None:
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(A).to(torch.bfloat16)
    got = tilery.kernels.softmax(x)
    assert got.dtype == torch.bfloat16  # type: ignore[union-attr]
    want = tilery.kernels.softmax(A.astype(ml_dtypes.bfloat16))
    assert np.array_equal(got.float().numpy(), np.asarray(want, np.float32))  # type: ignore[union-attr]


def test_jax() -> None:
    jax = pytest.importorskip("jax")
    for kind in (np.float32, ml_dtypes.bfloat16):
        x = jax.numpy.asarray(A.astype(kind))
        got: Any = tilery.kernels.softmax(x)
        assert isinstance(got, jax.Array) and got.dtype == kind
        assert np.array_equal(np.asarray(got), np.asarray(tilery.kernels.softmax(A.astype(kind))))


class Wrapped:
    """An array of a library that numpy has never heard of."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.array


class Capsule:
    """One that has DLPack only."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> object:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


@pytest.mark.parametrize("kind", [Wrapped, Capsule])
def test_protocols(kind: type) -> None:
    assert np.array_equal(np.asarray(tilery.kernels.softmax(kind(A))), np.asarray(tilery.kernels.softmax(A)))


# --- calls that are odd, or wrong -------------------------------------------------------------------------------------

SOFTMAX = np.asarray(tilery.kernels.softmax(A))


def test_odd_arguments_give_the_right_answer() -> None:
    big = np.zeros((40, 90), np.float32)
    big[::2, ::3] = A
    read_only = A.copy()
    read_only.flags.writeable = False
    for x in (big[::2, ::3], np.asfortranarray(A), A[::-1][::-1], read_only):
        np.testing.assert_array_equal(tilery.kernels.softmax(x), SOFTMAX)
    assert not A.flags.writeable or np.isfinite(A).all()


def test_nan_stays_in_its_row() -> None:
    x = A.copy()
    x[3, 4] = np.nan
    got = np.asarray(tilery.kernels.softmax(x))
    assert np.isnan(got[3]).all()
    np.testing.assert_array_equal(np.delete(got, 3, 0), np.delete(SOFTMAX, 3, 0))


@pytest.mark.parametrize("order", ["C", "F"])
def test_out_may_be_an_argument(order: Any) -> None:
    x = np.array(A, order=order)
    assert tilery.kernels.softmax(x, out=x) is x
    np.testing.assert_array_equal(x, SOFTMAX)
    overlapping = np.zeros(A.size + 30, np.float32)
    argument, out = overlapping[30:].reshape(A.shape), overlapping[:-30].reshape(A.shape)
    argument[...] = A
    tilery.kernels.softmax(argument, out=out)
    np.testing.assert_array_equal(out, SOFTMAX)
    strided = np.zeros((20, 60), np.float32)
    tilery.kernels.softmax(A, out=strided[:, ::2])
    np.testing.assert_array_equal(strided[:, ::2], SOFTMAX)
    assert not strided[:, 1::2].any()


def frozen() -> np.ndarray:
    out = np.zeros_like(A)
    out.flags.writeable = False
    return out


WRONG_OUT = [
    (frozen(), "read-only"),
    (np.zeros((20, 31), np.float32), r"should have the shape \(20, 30\)"),
    (np.zeros((20, 30)), "should hold f32"),
    ((np.zeros_like(A), np.zeros_like(A)), "one array for each result: y"),
    ([[1.0]], "should be a numpy array"),
]


@pytest.mark.parametrize(("out", "message"), WRONG_OUT, ids=[message for _, message in WRONG_OUT])
def test_wrong_outputs_are_told(out: object, message: str) -> None:
    with pytest.raises(tilery.UsageError, match=message):
        tilery.kernels.softmax(A, out=out)


def test_outputs_that_overlap_are_told(tmp_path: Path) -> None:
    path = tmp_path / "two.tk"
    path.write_text(
        "kernel two(x: T[N]) -> (a: T[N], b: T[N]):\n    tile n of N:\n        a[n] = x[n]\n        b[n] = x[n] * 2\n"
    )
    kernel, x, both = tilery.load(path).two, np.arange(4, dtype=np.float32), np.zeros(6, np.float32)
    with pytest.raises(tilery.UsageError, match="overlap"):
        kernel(x, out=(both[:4], both[2:]))
    kernel(x, out={"b": both[:4], "a": x})
    assert both.tolist() == [0, 2, 4, 6, 0, 0]


WRONG = [
    (np.zeros((0, 3), np.float32), "no elements"),
    (A.astype(np.float64), r"astype\(numpy.float32\)"),
    (A.astype(">f4"), "elements of type >f4"),
    (A.astype(np.complex64), "elements of type complex64"),
    (np.array(["a"]), "elements of type <U1"),
    (np.zeros(3, np.float32), "has 2 dimensions"),
    ([[1.0, 2.0], [3.0]], "cannot be read as an array"),
    (None, "elements of type object"),
]


@pytest.mark.parametrize(("x", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_arguments_are_told(x: object, message: str) -> None:
    with pytest.raises(tilery.UsageError, match=message):
        tilery.kernels.softmax(x)
