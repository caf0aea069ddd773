"""Products of integer matrices, wrapped at 32 bits, by the BLAS: numpy's own loop over integers takes some ten times as long.

A sum of products that stays below 2**24 is exact in float32, one below 2**53 in float64. Where it could reach further, each
number is cut into 16 bits and the rest, `a = high * 2**16 + low`: the product of the two rests is a multiple of 2**32, and wraps
to nothing.
"""

from __future__ import annotations

import numpy as np

from .rounding import Array

_SMALL = 1 << 15
"""Multiplications below which numpy's own loop is as quick as looking at the operands."""
_DEEPEST = 1 << 20
"""Terms of a sum of products of 16 bits that float64 holds: 2**20 * 2**32 is below 2**53."""


def integer_matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """`a @ b` of int32 matrices or stacks of them, modulo 2**32 as numpy's own."""
    depth = a.shape[-1]
    if a.size * b.shape[-1] <= _SMALL or depth == 0:
        return np.asarray(np.matmul(a, b, out))
    reach = _largest(a) * _largest(b) * depth
    if reach < 1 << 24:
        return _placed(np.matmul(a.astype(np.float32), b.astype(np.float32)), out)
    if reach < 1 << 53:
        return _placed(_in_f64(a, b), out)
    return _placed(_in_halves(a, b), out) if depth <= _DEEPEST else np.asarray(np.matmul(a, b, out))


def _largest(x: Array) -> int:
    return max(abs(int(x.min())), abs(int(x.max()))) if x.size else 0


def _in_f64(a: Array, b: Array) -> Array:
    return np.asarray(np.matmul(a.astype(np.float64), b.astype(np.float64)).astype(np.int64))


def _in_halves(a: Array, b: Array) -> Array:
    a_low, b_low = a & 0xFFFF, b & 0xFFFF
    crossed = _in_f64(a >> 16, b_low) + _in_f64(a_low, b >> 16)
    return np.asarray(_in_f64(a_low, b_low) + (crossed << 16))


def _placed(product: Array, out: Array | None) -> Array:
    """The low 32 bits of whole numbers."""
    if out is None:
        return np.asarray(product.astype(np.int32))
    np.copyto(out, product, casting="unsafe")
    return out
