"""`total += a @ b` as one call of the BLAS that numpy itself has loaded.

numpy can only multiply into memory of its own and add that; for the shallow products of small tiles this takes half as long
again as the product. BLAS adds while the block is in registers. Each total is rounded once for each step, as with numpy (BLAS
cuts steps deeper than a few hundred into several, of which the same holds). Where numpy has another BLAS than the OpenBLAS of
its wheels, or the operands do not lie as BLAS wants them, numpy does it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from ..numerics import Array

_NAMES = (("scipy_cblas_sgemm64_", ctypes.c_int64), ("cblas_sgemm64_", ctypes.c_int64), ("scipy_cblas_sgemm", ctypes.c_int32))
"""The function's names in numpy's wheels, new and old, and the integers that it takes."""
_ROW_MAJOR, _AS_IT_IS, _TRANSPOSED = 101, 111, 112
_FLOAT_BYTES = 4


def add_product(a: Array, b: Array, total: Array, spare: Array) -> None:
    """`total += a @ b`; `spare` is of the shape of `total`, for when numpy does it."""
    gemm = _gemm()
    if gemm is None or not _added(gemm, a, b, total):
        np.add(total, np.matmul(a, b, spare), total)


def _added(gemm: Callable[..., None], a: Array, b: Array, total: Array) -> bool:
    if a.ndim != 2 or b.ndim != 2 or total.ndim != 2 or not a.dtype == b.dtype == total.dtype == np.float32:
        return False
    left, right, out = _layout(a), _layout(b), _layout(total)
    if left is None or right is None or out is None or out[0] == _TRANSPOSED:
        return False
    rows, depth = a.shape
    columns = b.shape[1]
    places = (a.ctypes.data, left[1], b.ctypes.data, right[1])
    gemm(_ROW_MAJOR, left[0], right[0], rows, columns, depth, 1.0, *places, 1.0, total.ctypes.data, out[1])
    return True


def _layout(x: Array) -> tuple[int, int] | None:
    """How a matrix lies, and the elements from row to row (from column to column if transposed); None if BLAS cannot read it."""
    rows, columns = x.shape
    down, along = x.strides
    if not (x.size and x.flags.aligned):
        return None
    if along == _FLOAT_BYTES and down >= columns * _FLOAT_BYTES and down % _FLOAT_BYTES == 0:
        return _AS_IT_IS, down // _FLOAT_BYTES
    if down == _FLOAT_BYTES and along >= rows * _FLOAT_BYTES and along % _FLOAT_BYTES == 0:
        return _TRANSPOSED, along // _FLOAT_BYTES
    return None


@cache
def _gemm() -> Callable[..., None] | None:
    np.matmul(np.ones((2, 2), np.float32), np.ones((2, 2), np.float32))  # so that numpy has loaded it
    paths = [each["filepath"] for each in threadpool_info() if each.get("internal_api") == "openblas"]
    for path in (each for each in paths if "numpy" in each):
        library = ctypes.CDLL(path)
        for name, integer in _NAMES:
            if hasattr(library, name):
                return _declared(getattr(library, name), integer)
    return None


def _declared(function: ctypes._NamedFuncPointer, integer: type[ctypes.c_int64 | ctypes.c_int32]) -> Callable[..., None]:
    enums, number, place = [ctypes.c_int] * 3, ctypes.c_float, ctypes.c_void_p
    function.argtypes = [*enums, integer, integer, integer, number, place, integer, place, integer, number, place, integer]
    function.restype = None
    return function
