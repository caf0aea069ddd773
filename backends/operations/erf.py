"""The error function of float32 arrays, a tenth of the time of scipy's, which computes each element by itself in float64.

erf(x) = tanh(x g(x**2)), where g(t) = atanh(erf(sqrt t)) / sqrt t is smooth: a polynomial fitted by weighted least squares over
0 <= x <= 4, the weight being what an error of g does to erf, relative to it. Beyond 4 erf rounds to 1. Largest error against
scipy in float64 over [-6, 6]: 2.4e-7 relative, 3.1 units in the last place.
"""

from __future__ import annotations

import numpy as np

from ..numbers.rounding import Array

_EDGE = np.float32(4.0)
_COEFFICIENTS = np.array(
    [
        1.128379247182795,
        0.10276986413633836,
        -0.00019528813819865874,
        -0.0006148383131105517,
        8.459663602725438e-05,
        -4.794621108077893e-06,
        2.7578176554085326e-08,
        5.421506403357051e-09,
    ],
    np.float32,
)
"""Of g, lowest power first."""
_BLOCK = 1 << 14
"""Elements done at a time: two temporaries then stay in the first and second level caches."""


def erf(x: Array, out: Array | None = None) -> Array:
    """erf of every element; by scipy for float64. `out` may be `x`."""
    if x.dtype != np.float32:
        from scipy.special import erf as exact  # here, not above: it takes longer to import than numpy

        return np.asarray(exact(x, out=out))
    result = np.empty(x.shape, np.float32) if out is None else out
    if not (x.flags.c_contiguous and result.flags.c_contiguous):
        np.copyto(result, erf(np.ascontiguousarray(x).reshape(x.shape)))
        return result
    flat_x, flat_result = x.reshape(-1), result.reshape(-1)
    for start in range(0, flat_x.size, _BLOCK):
        _block(flat_x[start : start + _BLOCK], flat_result[start : start + _BLOCK])
    return result


def _block(x: Array, out: Array) -> None:
    inside = np.minimum(np.maximum(x, -_EDGE), _EDGE)
    square = inside * inside
    series = square * _COEFFICIENTS[-1]
    for each in _COEFFICIENTS[-2:0:-1]:
        series += each
        series *= square
    series += _COEFFICIENTS[0]
    np.tanh(np.multiply(series, inside, out=series), out=out)
