"""Calls of kernels whose sizes come from constants, from any leading axes, from one element or none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tilery
from tilery.dsl.errors import SourceErrors, UsageError

FOLDER = Path(__file__).parents[1] / "kernels" / "sizes"
RANDOM = np.random.default_rng(5)


def kernel(file: str, name: str) -> Any:
    return tilery.load(FOLDER / f"{file}.tk", tuned="/proc/nowhere.tuned.json")[name]


def drawn(*shape: int) -> Any:
    return RANDOM.standard_normal(shape).astype(np.float32)


def normalised(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("leading", [(), (5,), (2, 3), (2, 1, 3), (0, 4)])
def test_any_leading_axes(leading: tuple[int, ...]) -> None:
    softmax, x = kernel("leading", "softmax_of_any"), drawn(*leading, 7)
    got = softmax(x)
    assert got.shape == x.shape
    np.testing.assert_allclose(got, normalised(x) if x.size else x, rtol=1e-5)
    assert softmax.reference(x).shape == x.shape
    out = np.empty_like(x)
    assert softmax(x, out=out) is out and np.array_equal(out, got)
    apart = np.empty((*leading, 9), np.float32)[..., :7]
    assert softmax(x, out=apart) is apart and np.array_equal(apart, got)


def test_leading_axes_of_arrays_that_do_not_lie_in_one_piece() -> None:
    softmax, x = kernel("leading", "softmax_of_any"), drawn(3, 4, 14)
    for view in (x[..., ::2], x.transpose(1, 0, 2), x[::-1]):
        np.testing.assert_allclose(softmax(view), normalised(view), rtol=1e-5)
    assert softmax.check(x[..., ::2])


def test_a_verdict_on_results_of_many_axes() -> None:
    softmax, x = kernel("leading", "softmax_of_any"), drawn(2, 3, 7)
    assert softmax.check(x) and softmax.check(x, results=softmax(x)) and not softmax.check(x, results=x)
    with pytest.raises(UsageError, match=r"the result y: \[..., N\] has the shape \[3, 2, 7\], and `...` is \[2, 3\] in the"):
        softmax.check(x, results=np.zeros((3, 2, 7), np.float32))
    with pytest.raises(UsageError, match=r"out of y: \[..., N\] has the shape \[6, 7\]"):
        softmax(x, out=np.zeros((6, 7), np.float32))


@pytest.mark.parametrize("bias", [(7,), (1, 7), (1, 1, 7), (2, 3, 7)])
def test_a_bias_of_all_rows_or_of_each(bias: tuple[int, ...]) -> None:
    layernorm, x, weight, added = kernel("leading", "layernorm_of_any"), drawn(2, 3, 7), drawn(7), drawn(*bias)
    centred = x - x.mean(-1, keepdims=True)
    want = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * weight + added
    np.testing.assert_allclose(layernorm(x, weight, added), want, rtol=1e-4, atol=1e-5)
    assert layernorm.check(x, weight, added)


def test_leading_axes_that_disagree() -> None:
    layernorm, x, weight = kernel("leading", "layernorm_of_any"), drawn(2, 3, 7), drawn(7)
    with pytest.raises(UsageError, match=r"`1 or \.\.\.` in `bias: f32\[1 or \.\.\., N\]` was given \[3\] with \.\.\. = 6"):
        layernorm(x, weight, drawn(3, 7))
    with pytest.raises(UsageError, match=r"`x: T\[..., N\]` has 1 dimensions or more, and the shape given is \[\]"):
        layernorm(np.float32(3), weight, weight)


@pytest.mark.parametrize("bias", [(1, 1), (1, 5), (4, 1), (4, 5)])
def test_a_product_with_every_kind_of_bias(bias: tuple[int, int]) -> None:
    biased, a, b, added = kernel("broadcast", "biased_matmul"), drawn(4, 6), drawn(6, 5), drawn(*bias)
    np.testing.assert_allclose(biased(a, b, added), a @ b + added, rtol=1e-4, atol=1e-5)
    assert biased.check(a, b, added)


def test_a_bias_of_another_size() -> None:
    biased = kernel("broadcast", "biased_matmul")
    with pytest.raises(UsageError, match=r"`1 or M` in `bias: f32\[1 or M, 1 or N\]` was given 3 with M = 4"):
        biased(drawn(4, 6), drawn(6, 5), drawn(3, 5))
    assert biased(drawn(1, 6), drawn(6, 5), drawn(1, 5)).shape == (1, 5)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_one_number_of_a_matrix(kind: int) -> None:
    loss, x, target = kernel("broadcast", "loss"), drawn(9, 40), drawn(1, 40)
    away = x - target
    want = (away**2, abs(away), (abs(away) > 1).astype(np.float32))[kind].sum() / 9
    got = loss(x, target, kind=kind)
    assert got.shape == () and isinstance(got, np.ndarray)
    np.testing.assert_allclose(got, want, rtol=1e-5)
    assert loss.check(x, target, kind=kind)
    out = np.zeros((), np.float32)
    assert loss(x, target, kind=kind, out=out) is out and out == got


def convolved(x: Any, w: Any, stride: int, padding: int, dilation: int, groups: int) -> Any:
    """A convolution, an element at a time."""
    n, channels, height, width = x.shape
    outputs, inner, rows, columns = w.shape
    padded = np.zeros((n, channels, height + 2 * padding, width + 2 * padding))
    padded[:, :, padding : padding + height, padding : padding + width] = x
    p, q = ((s + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for s, k in ((height, rows), (width, columns)))
    y = np.zeros((n, outputs, p, q))
    for o, i, j in np.ndindex(outputs, p, q):
        first = o // (outputs // groups) * inner
        part = padded[:, first : first + inner, i * stride :: dilation, j * stride :: dilation][:, :, :rows, :columns]
        y[:, o, i, j] = (part * w[o]).sum((1, 2, 3))
    return y


@pytest.mark.parametrize("case", range(6))
def test_convolutions_of_any_constants(case: int) -> None:
    choose = np.random.default_rng(case)
    stride, padding, dilation, groups, rows, columns = (int(choose.integers(low, 4)) for low in (1, 0, 1, 1, 1, 1))
    size = 3 * dilation + 2
    x, w = drawn(2, groups * 3, size, size + 2), drawn(groups * 2, 3, rows, columns)
    given = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "rows": rows, "columns": columns}
    convolution = kernel("convolution", "convolution")
    got = convolution(x, w, **given)
    np.testing.assert_allclose(got, convolved(x, w, stride, padding, dilation, groups), rtol=1e-3, atol=1e-4)
    assert convolution.check(x, w, **given)


def test_constants_that_do_not_fit_the_arguments() -> None:
    convolution, x = kernel("convolution", "convolution"), drawn(2, 6, 9, 9)
    with pytest.raises(UsageError, match=r"`rows` is 3 in `rows=3` and 2 in `w: T\[O \* groups, C, rows, columns\]`"):
        convolution(x, drawn(6, 2, 2, 2))
    with pytest.raises(UsageError, match=r"`C \* groups` is 8 with C = 2, groups = 4, and `x: .* was given 6"):
        convolution(x, drawn(8, 2, 3, 2), groups=4)
    with pytest.raises(
        SourceErrors,
        match=r"is no size: a number in it is too large, or a zero \(padding = 1, dilation = 2, rows = 3, stride = 0\)",
    ):
        convolution(x, drawn(6, 2, 3, 2), stride=0)
    with pytest.raises(UsageError, match="the window fits"):
        convolution(drawn(1, 3, 1, 1), drawn(3, 1, 3, 2), padding=0)


def test_no_elements_give_empty_results() -> None:
    biased, means = kernel("broadcast", "biased_matmul"), kernel("leading", "channel_means")
    assert biased(drawn(0, 6), drawn(6, 5), drawn(1, 5)).shape == (0, 5)
    row = drawn(1, 5)
    assert np.array_equal(biased(drawn(4, 0), drawn(0, 5), row), np.broadcast_to(row, (4, 5)))
    assert np.isnan(means(drawn(3, 4, 0), np.ones(1, np.float32))).all()
    assert kernel("moved", "padded")(drawn(2, 0)).tolist() == [[0] * 5] * 2
    with pytest.raises(UsageError, match="`M` is 0, and a chip has nothing to do"):
        biased.simulate(M=0, K=6, N=5)


def test_what_is_asked_for_by_name() -> None:
    layernorm = kernel("leading", "layernorm_of_any")
    one = layernorm.simulate(**{"...": 300, "N": 200, "bias....": 1})
    each = layernorm.simulate(**{"...": 300, "N": 200})
    assert one.hbm_bytes < each.hbm_bytes  # its row is read once
    with pytest.raises(UsageError, match=r"bias\.\.\.\.=7: it is 1, or it is left out"):
        layernorm.simulate(**{"...": 300, "N": 200, "bias....": 7})
