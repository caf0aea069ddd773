"""Products of integers of any widths, and the types that their sums are begun in."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from tilery import dsl
from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.emulator import compile as emulate
from tilery.backends.numbers.rounding import integer_limits, numpy_dtype
from tilery.dsl.errors import SourceErrors
from tilery.dsl.program import Program
from tilery.dsl.types import BF16, ELEMENT_TYPES, F32, I8, I16, I32, U8, ElementType

TEXT = """
kernel product(a: A[M, K], b: B[K, N]) -> c: C[M, N]:
    tile m of M, n of N:
        acc = zeros[m, n] like a @ b
        for k of K:
            acc += a[m, k] @ b[k, n]
        c[m, n] = acc
"""
DIMS = {"M": 37, "K": 150, "N": 70}


def kernel(a: ElementType, b: ElementType, c: ElementType) -> Program:
    return dsl.parse(TEXT).kernels["product"].specialise({"A": a, "B": b, "C": c}, {})


@pytest.mark.parametrize("a", [U8, I8, I16, I32], ids=str)
@pytest.mark.parametrize("b", [U8, I8, I16, I32], ids=str)
def test_products_of_any_two_integers_are_exact(a: ElementType, b: ElementType) -> None:
    rng = np.random.default_rng(7)
    x, y = (
        rng.integers(*integer_limits(t), shape, endpoint=True).astype(numpy_dtype(t))
        for t, shape in ((a, (37, 150)), (b, (150, 70)))
    )
    got = emulate(kernel(a, b, I32), DIMS, {"m": 16, "k": 64, "n": 70})({"a": x, "b": y})["c"]
    assert np.array_equal(got, (x.astype(np.int64) @ y.astype(np.int64)).astype(np.int32))


@pytest.mark.parametrize(("t", "c"), [(I8, I32), (F32, F32), (BF16, F32)], ids=str)
def test_zeros_like_a_product_are_of_its_type(t: ElementType, c: ElementType) -> None:
    (loop,) = [each for each in dsl.program.walk(kernel(t, t, c).body) if isinstance(each, dsl.program.ForLoop)]
    assert [each.initial.dtype for each in loop.carried] == [c]


def test_an_integer_and_a_float_are_no_product() -> None:
    with pytest.raises(SourceErrors, match="these are i8 and bf16"):
        kernel(I8, BF16, F32)


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("i8", "i8", "up to 1024 terms"),
        ("u8", "u8", "up to 258 terms"),
        ("i8", "u8", "up to 514 terms"),
        ("i16", "i8", "i32(f32(a) @ f32(b))"),
    ],
)
def test_the_refusal_says_how_to_write_it_exactly(a: str, b: str, said: str) -> None:
    with pytest.raises(engine.CannotLower) as caught:
        engine.lower(kernel(ELEMENT_TYPES[a], ELEMENT_TYPES[b], I32), DIMS, load_chip("trn2"), {})
    assert "TK516" in str(caught.value) and said in str(caught.value)


def test_what_the_refusal_proposes_is_exact() -> None:
    """258 terms of 255 * 255 stay below 2**24, and one more would not."""
    assert 258 * 255 * 255 < 2**24 < 259 * 255 * 255
    text = TEXT.replace("of K:", "of K by 258:").replace("a[m, k] @ b[k, n]", "i32(bf16(a[m, k]) @ bf16(b[k, n]))")
    made = dsl.parse(text).kernels["product"].specialise({"A": U8, "B": U8, "C": I32}, {})
    dims = {"M": 5, "K": 600, "N": 4}
    arguments = {"a": np.full((5, 600), 255, np.uint8), "b": np.full((600, 4), 255, np.uint8)}
    chip = load_chip("trn2")
    program = engine.lower(made, dims, chip, engine.default_config(made, dims, chip))
    assert (engine.execute(program, arguments)["c"] == 600 * 255 * 255).all()


def test_sixteen_unsigned_bits_and_the_eight_bit_float_without_infinity() -> None:
    text = "kernel f(x: u16[M], y: f8e4m3fn[M]) -> (a: f32[M], b: u16[M], c: f8e4m3fn[M]):\n    tile m of M:\n"
    text += "        a[m] = x[m] + y[m]\n        b[m] = x[m] + 1\n        c[m] = y[m] * 2\n"
    made = dsl.parse(text).kernels["f"].specialise({}, {})
    y = np.array([448, -448, 224], ml_dtypes.float8_e4m3fn)
    got = emulate(made, {"M": 3}, {"m": 2})({"x": np.array([65535, 7, 40000], np.uint16), "y": y})
    assert got["a"].tolist() == [65983, -441, 40224] and got["b"].tolist() == [0, 8, 40001]
    assert [str(each) for each in got["c"]] == ["nan", "nan", "448"]


FOUR_BITS = """
kernel widened(w: {0}[M, N]) -> (y: i32[M, N], z: f32[N, M]):
    tile m of M, n of N:
        y[m, n] = w[m, n] * 3
        z[n, m] = w[m, n]
"""


@pytest.mark.parametrize("name", ["i4", "u4"])
@pytest.mark.parametrize("tiles", [{"m": 7, "n": 6}, {"m": 64, "n": 75}, {"m": 141, "n": 267}])
def test_integers_of_four_bits_are_taken_apart_on_the_chip(name: str, tiles: dict[str, int]) -> None:
    made, dims, t = (
        dsl.parse(FOUR_BITS.format(name)).kernels["widened"].specialise({}, {}),
        {"M": 141, "N": 267},
        ELEMENT_TYPES[name],
    )
    w = np.random.default_rng(0).integers(*integer_limits(t), (141, 267), endpoint=True)
    arguments = {"w": w.astype(numpy_dtype(t))}
    program = engine.lower(made, dims, load_chip("trn2"), dict(tiles))
    for got in (engine.execute(program, arguments), emulate(made, dims, tiles)(arguments)):
        assert np.array_equal(got["y"], 3 * w) and np.array_equal(got["z"], w.T)
    bytes_loaded = {each.name: each.element.bytes for each in program.structure.buffers}
    assert bytes_loaded["w.packed"] == 0.5 and bytes_loaded["w"] == 1
