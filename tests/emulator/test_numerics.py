"""Operations against plain numpy in float64 or Python's own arithmetic."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from tilery.backends.numbers.integer_products import integer_matmul
from tilery.backends.operations import numerics

UNARY: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "exp2": lambda x: 2.0**x,
    "log": math.log,
    "log2": math.log2,
    "sqrt": math.sqrt,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "erf": math.erf,
    "sin": math.sin,
    "cos": math.cos,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "neg": lambda x: -x,
    "abs": abs,
}


@pytest.mark.parametrize("fn", UNARY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unary(fn: str, dtype: type[np.floating]) -> None:
    x = np.array([0.1, 0.5, 1.0, 2.5, 3.7, 9.0], dtype)
    want = [UNARY[fn](float(each)) for each in x]
    assert numerics.elementwise(fn, [x]).dtype == dtype
    np.testing.assert_allclose(numerics.elementwise(fn, [x]), want, rtol=4e-7 if dtype is np.float32 else 1e-14)
    out = x.copy()
    assert numerics.elementwise(fn, [out], out=out) is out
    np.testing.assert_array_equal(out, numerics.elementwise(fn, [x]))


def test_sigmoid_and_erf_at_the_tails() -> None:
    x = np.array([-np.inf, -200.0, 200.0, np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(numerics.elementwise("sigmoid", [x]), np.array([0, 0, 1, 1, np.nan], np.float32))
    np.testing.assert_array_equal(numerics.elementwise("erf", [x]), np.array([-1, -1, 1, 1, np.nan], np.float32))


def test_erf_of_floats_is_within_four_units_in_the_last_place() -> None:
    x = np.random.default_rng(0).uniform(-6, 6, (501, 77)).astype(np.float32)
    want = numerics.elementwise("erf", [x.astype(np.float64)])
    units = np.abs(numerics.elementwise("erf", [x]) - want) / np.spacing(np.abs(want).astype(np.float32))
    assert units.max() < 4
    view, out = x[::2, ::3], np.empty((251, 26), np.float32, "F")
    assert numerics.elementwise("erf", [view], out=out) is out
    np.testing.assert_array_equal(out, numerics.elementwise("erf", [view.copy()]))
    tiny = np.array([1e-42, -1e-30, 0.0], np.float32)
    np.testing.assert_allclose(numerics.elementwise("erf", [tiny]), tiny * 1.1283792, rtol=1e-3)


def test_integers_floor_wrap_and_survive_zero() -> None:
    x, y = np.array([-7, 7, -7, 5, 2**31 - 1], np.int32), np.array([2, -2, -2, 0, 1], np.int32)
    assert numerics.elementwise("floordiv", [x, y]).tolist()[:4] == [-7 // 2, 7 // -2, -7 // -2, 0]
    assert numerics.elementwise("mod", [x, y]).tolist()[:4] == [-7 % 2, 7 % -2, -7 % -2, 0]
    assert numerics.elementwise("add", [x, y]).tolist()[4] == -(2**31)
    assert numerics.elementwise("div", [x, y]).dtype == np.float32
    assert numerics.elementwise("round", [x]).dtype == np.int32


def test_integer_powers() -> None:
    x, y = np.array([2, -1, -1, 3, 1], np.int32), np.array([-1, -3, -2, 4, -5], np.int32)
    assert numerics.elementwise("pow", [x, y]).tolist() == [0, -1, 1, 81, 1]
    x, y = np.array([2, -1, 0, -1, 3], np.int32), np.array([-(2**31), -(2**31), -(2**31), -(2**31) + 1, 40], np.int32)
    assert numerics.elementwise("pow", [x, y]).tolist() == [0, 1, 0, -1, (3**40 + 2**31) % 2**32 - 2**31]


def test_mixed_operands_are_computed_in_f32() -> None:
    x, n = np.array([1.5], np.float32), np.array(3, np.int32)
    for fn in ("add", "div", "max", "lt"):
        assert numerics.elementwise(fn, [x, n]).dtype in (np.float32, np.bool_)
    assert numerics.elementwise("where", [np.array([True]), x, n]).dtype == np.float32
    assert numerics.elementwise("add", [np.array([True]), np.array([True])]).tolist() == [2]


def test_where_may_write_over_any_operand() -> None:
    condition = np.array([True, False])
    for place in range(2):
        operands = [np.array([1.0, 2.0], np.float32), np.array([3.0, 4.0], np.float32)]
        out = operands[place]
        assert numerics.elementwise("where", [condition, *operands], out=out).tolist() == [1.0, 4.0]


def test_reductions() -> None:
    x = np.random.default_rng(0).integers(-50, 50, (3, 4, 5)).astype(np.float32)
    assert numerics.reduce("sum", x, (0, 2)).tolist() == x.sum((0, 2)).tolist()
    assert numerics.reduce("argmax", x, (1,)).tolist() == x.argmax(1).tolist()
    assert numerics.reduce("mean", x.astype(np.int32), (1,)).dtype == np.float32
    assert numerics.reduce("sum", np.full(3, 2**31 - 1, np.int32), (0,)).dtype == np.int32
    assert numerics.reduce("all", x > -99, (0, 1, 2)).tolist() is True


def test_reductions_over_nothing_are_identities() -> None:
    x = np.zeros((2, 0), np.float32)
    got = [numerics.reduce(fn, x, (1,)).tolist()[0] for fn in ("sum", "max", "min", "prod")]
    assert got == [0.0, -np.inf, np.inf, 1.0]


def test_aligned_is_a_view_that_broadcasts_by_name() -> None:
    x = np.arange(6).reshape(2, 3)
    assert numerics.aligned(x, ["m", "n"], ["n", "k", "m"]).shape == (3, 1, 2)
    assert np.shares_memory(numerics.aligned(x, ["m", "n"], ["n", "m"]), x)


@pytest.mark.parametrize("left", ["hik", "kih", "ikh"])
@pytest.mark.parametrize("right", ["hkj", "jhk", "kjh"])
def test_contraction_by_name_in_any_order(left: str, right: str) -> None:
    size = {"h": 2, "i": 3, "k": 4, "j": 5}
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal([size[name] for name in each]) for each in (left, right))
    got, axes = numerics.contract(a, list(left), b, list(right), ["k"])
    assert "".join(axes) == left.replace("k", "") + "j"
    np.testing.assert_allclose(got, np.einsum(f"{left},{right}->{''.join(axes)}", a, b))


def test_contraction_of_vectors_and_of_nothing() -> None:
    a, b = np.ones((3, 2), np.float32), np.ones(3, np.float32)
    assert numerics.contract(a, ["k", "m"], b, ["k"], ["k"])[0].tolist() == [3.0, 3.0]
    assert numerics.contract(b, ["k"], b, ["k"], ["k"])[0].tolist() == 3.0
    assert numerics.contract(np.ones((2, 0)), ["m", "k"], np.ones((0, 3)), ["k", "n"], ["k"])[0].tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("reach", [3, 128, 40_000, 2**31 - 1])
def test_products_of_integers_wrap_as_numpys_own(reach: int) -> None:
    rng = np.random.default_rng(reach)
    a = rng.integers(-reach - 1, reach, (3, 40, 70), endpoint=True).astype(np.int32)
    b = rng.integers(-reach - 1, reach, (70, 50), endpoint=True).astype(np.int32)
    a[0, 0], b[:, 0] = -reach - 1, -reach - 1
    out = np.empty((3, 40, 50), np.int32)
    assert np.array_equal(integer_matmul(a, b, out), a @ b)
    assert np.array_equal(integer_matmul(a, b), out)
