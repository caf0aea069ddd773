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
    assert got.dtype == torch.bfloat16
    want = tilery.kernels.softmax(A.astype(ml_dtypes.bfloat16))
    assert np.array_equal(got.float().numpy(), np.asarray(want, np.float32))


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
    ([[1.0]], "should be an array, not list"),
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
    (A.astype(np.float64), r"astype\(numpy.float32\)"),
    (A.astype(">f4"), "elements of type >f4"),
    (A.astype(np.complex64), "elements of type complex64"),
    (np.array(["a"]), "elements of type <U1"),
    (np.zeros(3, np.float32), "has 2 dimensions"),
    ([[1.0, 2.0], [3.0]], "cannot be read as an array"),
    (None, "`x` is an array, not NoneType"),
]


@pytest.mark.parametrize(("x", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_arguments_are_told(x: object, message: str) -> None:
    with pytest.raises(tilery.UsageError, match=message):
        tilery.kernels.softmax(x)


def test_a_number_may_be_an_array_of_no_dimensions() -> None:
    q = np.ones((1, 4, 4), np.float32)
    wanted = np.asarray(tilery.kernels.attention(q, q, q, 0.25))
    for scale in (np.array(0.25), np.float32(0.25)):
        np.testing.assert_array_equal(tilery.kernels.attention(q, q, q, scale), wanted)
    with pytest.raises(tilery.UsageError, match=r"`scale` is a number, not an array of shape \(1,\)"):
        tilery.kernels.attention(q, q, q, np.array([0.25]))
    with pytest.raises(tilery.UsageError, match="`scale` is a number, not str"):
        tilery.kernels.attention(q, q, q, "0.25")


UNUSUAL = [
    (np.ma.MaskedArray(A, mask=A > 0), "is a masked array.*filled"),
    (A.view([("a", np.float32)]), "elements of type"),
    (A.astype(">f4"), "newbyteorder"),
    (A.tolist(), r"write numpy.array\(x, numpy.float32\)"),
    (3.0, "elements of type float64"),
    (np.array(3.0, np.float32), "has 2 dimensions"),
    ({"x": A}, "is an array, not dict"),
    (A.astype(np.int64), r"write x.astype\(numpy.int32\)"),
    (np.array([[None]]), "elements of type object"),
    (np.array([["2026-01-01"]], "M8[s]"), "elements of type datetime64"),
]


@pytest.mark.parametrize(("x", "message"), UNUSUAL, ids=[message for _, message in UNUSUAL])
def test_unusual_arguments_are_told(x: object, message: str) -> None:
    with pytest.raises(tilery.UsageError, match=message):
        tilery.kernels.softmax(x)


def test_subclasses_of_arrays_are_arrays(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=A.shape)
    mapped[...] = A
    for x in (mapped, A.view(np.recarray)):
        got = tilery.kernels.softmax(x)
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, SOFTMAX)
    assert tilery.kernels.softmax(A, out=mapped) is mapped
    np.testing.assert_array_equal(mapped, SOFTMAX)


# --- f8e4m3 and OCP's e4m3fn ------------------------------------------------------------------------------------------

COPY = "kernel same(x: T[N]) -> y: T[N]:\n    tile n of N:\n        y[n] = x[n]\n"
FN, OURS = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3


@pytest.fixture
def same(tmp_path: Path) -> Any:
    (tmp_path / "same.tk").write_text(COPY)
    return tilery.load(tmp_path / "same.tk").same


def test_e4m3fn_is_taken_where_its_numbers_are_the_chip_s(same: Any) -> None:
    every = np.arange(256, dtype=np.uint8).view(FN)
    numbers = every.astype(np.float32)
    common = every[~(np.abs(numbers) > 240)]
    assert common.size == 256 - 14
    got = same(common)
    assert got.dtype == OURS
    np.testing.assert_array_equal(got.astype(np.float32), common.astype(np.float32))
    for one in every[np.abs(numbers) > 240]:
        with pytest.raises(tilery.UsageError, match="numbers beyond 240, the largest of f8e4m3"):
            same(np.array([one]))
    with pytest.raises(tilery.UsageError, match="there are f32"):
        same(np.zeros(3, ml_dtypes.float8_e4m3fnuz))


def test_torch_s_fp8(same: Any) -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor([1.0, -240.0, 0.001953125, float("nan")]).to(torch.float8_e4m3fn)
    got = same(x)
    assert got.dtype == torch.float8_e4m3fn
    assert torch.equal(got.view(torch.uint8), x.view(torch.uint8))
    out = torch.zeros(4, dtype=torch.float8_e4m3fn)
    assert same(np.array([np.inf, -np.inf, 3, 0], OURS), out=out) is out
    assert out.float().isnan().tolist() == [True, True, False, False]
    narrow = torch.tensor([1.0, 57344.0]).to(torch.float8_e5m2)
    assert torch.equal(same(narrow).view(torch.uint8), narrow.view(torch.uint8))
    with pytest.raises(tilery.UsageError, match=r"torch.float8_e5m2fnuz.*write x.float\(\)"):
        same(torch.zeros(3, dtype=torch.float8_e5m2fnuz))


# --- torch and JAX: their own words, and their memory -----------------------------------------------------------------


def test_torch_is_told_in_its_own_words(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    (tmp_path / "take.tk").write_text(
        "kernel take(labels: i32[N], table: T[V]) -> y: T[N]:\n    tile n of N:\n        y[n] = table[labels[n]]\n"
    )
    take, table = tilery.load(tmp_path / "take.tk").take, torch.arange(4, dtype=torch.float32)
    for labels, other, message in [
        (torch.tensor([1, 2]), table, r"write labels.to\(torch.int32\)"),
        (torch.tensor([1, 2], dtype=torch.int32), table.double(), r"write table.float\(\)"),
        (torch.tensor([1.0]), table, r"`labels` is i32, but was given as f32; write labels.to\(torch.int32\)"),
        (torch.tensor([1], device="meta"), table, "lies on meta"),
    ]:
        with pytest.raises(tilery.UsageError, match=message):
            take(labels, other)
    assert take(torch.tensor([1, 3], dtype=torch.int32), table).tolist() == [1.0, 3.0]


def test_jax_is_told_in_its_own_words() -> None:
    jax = pytest.importorskip("jax")
    with pytest.raises(tilery.UsageError, match=r"write x.astype\(jax.numpy.int32\)"):
        tilery.kernels.softmax(jax.numpy.zeros((2, 2), "uint32"))
    with pytest.raises(tilery.UsageError, match="array of JAX, which nothing can write to"):
        tilery.kernels.softmax(A, out=jax.numpy.zeros(A.shape))


def test_torch_outputs_are_written_in_place() -> None:
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(A.copy())
    for out in (
        torch.zeros(A.shape),
        torch.zeros((A.shape[1], A.shape[0])).T,
        torch.zeros((A.shape[0], 2 * A.shape[1]))[:, ::2],
        x,
    ):
        assert tilery.kernels.softmax(torch.from_numpy(A.copy()), out=out) is out
        np.testing.assert_array_equal(out.numpy(), SOFTMAX)
    short = torch.zeros(A.shape, dtype=torch.bfloat16)
    assert tilery.kernels.softmax(torch.from_numpy(A).to(torch.bfloat16), out=short) is short
    assert abs(float(short.float().sum()) - A.shape[0]) < 0.1
    for wrong, message in [
        (torch.zeros(A.shape, requires_grad=True), r"requires a gradient"),
        (torch.zeros((1, A.shape[1])).expand(A.shape), "overlaps itself"),
        (torch.zeros(A.shape).double(), "should hold f32"),
    ]:
        with pytest.raises(tilery.UsageError, match=message):
            tilery.kernels.softmax(A, out=wrong)


# --- memory in common -------------------------------------------------------------------------------------------------


def test_an_output_that_overlaps_itself_is_told() -> None:
    row = np.zeros(60, np.float32)
    windows = np.lib.stride_tricks.as_strided(row, (20, 30), (4, 4))
    repeated = np.lib.stride_tricks.as_strided(row, (20, 30), (0, 4))
    half = np.lib.stride_tricks.as_strided(np.zeros(700, np.float32), (20, 30), (90, 4))
    for out in (windows, repeated, half):
        with pytest.raises(tilery.UsageError, match="overlaps itself"):
            tilery.kernels.softmax(A, out=out)


def test_what_interlocks_does_not_overlap(tmp_path: Path) -> None:
    (tmp_path / "two.tk").write_text(
        "kernel two(x: T[N]) -> (a: T[N], b: T[N]):\n    tile n of N:\n        a[n] = x[n]\n        b[n] = x[n] * 2\n"
    )
    both = np.zeros(8, np.float32)
    tilery.load(tmp_path / "two.tk").two(np.arange(4, dtype=np.float32), out=(both[::2], both[1::2]))
    assert both.tolist() == [0, 0, 1, 2, 2, 4, 3, 6]
    # Strides of 2 and 3 elements, which no slicing gives: every element has a place of its own.
    odd = np.lib.stride_tricks.as_strided(np.zeros(20, np.float32), (2, 3), (12, 8))
    assert tilery.kernels.softmax(np.ones((2, 3), np.float32), out=odd) is odd
