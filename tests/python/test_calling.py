"""Arguments of a call: matched as Python does, read for types and shapes, refused with one clear message."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from tilery import dsl
from tilery.dsl.errors import UsageError
from tilery.python.calling import Call, bind_call

SIGNATURE = (
    dsl.parse(
        """
kernel scale(x: T[M, N], row: T[N], ids: i32[M], gain: f32, eps: f32 = 0.5, twice: bool = false) -> y: T[M, N]:
    tile m of M:
        y[m, N] = x[m, N] * row[N] * gain
"""
    )
    .kernels["scale"]
    .signature
)

X = np.zeros((4, 6), ml_dtypes.bfloat16)
ROW = np.zeros(6, ml_dtypes.bfloat16)
IDS = np.zeros(4, np.int32)


def bound(*arguments: object, **named: object) -> Call:
    return bind_call("scale", SIGNATURE, arguments, named)


def test_by_position_and_by_name() -> None:
    for call in (bound(X, ROW, IDS, 2.0), bound(X, gain=np.float32(2), ids=IDS, row=ROW)):
        assert call.dims == {"M": 4, "N": 6}
        assert {name: str(kind) for name, kind in call.types.items()} == {"T": "bf16"}
        assert call.arguments["gain"] == 2.0
        assert call.arguments["eps"] == 0.5
        assert call.constants == {}


def test_constants_are_arguments_too() -> None:
    assert bound(X, ROW, IDS, 2.0, twice=True).constants == {"twice": True}
    assert bound(X, ROW, IDS, 2.0, 0.1, True).constants == {"twice": True}


@pytest.mark.parametrize(
    ("arguments", "named", "message"),
    [
        ((X,), {}, "scale needs the argument `row`"),
        ((X, ROW, IDS), {}, "scale needs the argument `gain`"),
        ((X, ROW, IDS, 1.0), {"x": X}, "scale was given `x` twice"),
        ((X, ROW, IDS, 1.0), {"twic": True}, "scale has no argument `twic`; did you mean `twice`?"),
        ((X, ROW, IDS, 1.0, 2.0, True, 5), {}, "scale takes 6 arguments (x, row, ids, gain, eps, twice), 7 were given"),
        ((X, ROW.astype(np.float32), IDS, 1.0), {}, "`x` and `row` are both T, but were given as bf16 and f32"),
        ((X, ROW, IDS.astype(np.int16), 1.0), {}, "`ids` is i32, but was given as i16; write ids.astype(numpy.int32)"),
        ((X, ROW, IDS, [1.0]), {}, "`gain` is a number, not list"),
    ],
)
def test_what_does_not_fit_is_told(arguments: tuple[object, ...], named: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as error:
        bound(*arguments, **named)
    assert str(error.value) == message


def test_float64_is_told_how_to_become_a_type() -> None:
    with pytest.raises(UsageError, match=r"`x` has elements of type float64.*astype\(numpy.float32\)"):
        bound(np.zeros((4, 6)), ROW, IDS, 1.0)


def test_shapes_that_disagree_name_both_tensors() -> None:
    with pytest.raises(UsageError, match=r"`N` is 6 in `x: T\[M, N\]` and 7 in `row: T\[N\]`"):
        bound(X, np.zeros(7, ml_dtypes.bfloat16), IDS, 1.0)
