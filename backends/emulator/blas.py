"""`total += a @ b` as one call of the BLAS that numpy itself has loaded.

numpy can only multiply into memory of its own and add that; for the shallow products of small tiles this takes half as long
again as the product. BLAS adds while the block is in registers. Each total is rounded once for each step, as with numpy (BLAS
cuts steps deeper than a few hundred into several, of which the same holds). Where numpy has another BLAS than the OpenBLAS of
its wheels, or the operands do not lie as BLAS wants them, numpy does it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from ..operations.numerics import Array

_NAMES = (("scipy_cblas_sgemm64_", ctypes.c_int64), ("cblas_sgemm64_", ctypes.c_int64), ("scipy_cblas_sgemm", ctypes.c_int32))
"""The function's names in numpy's wheels, new and old, and the integers that it takes."""
_ROW_MAJOR, _AS_IT_IS, _TRANSPOSED = 101, 111, 112
_FLOAT_BYTES = 4


def add_product(a: Array, b: Array, total: Array, spare: Array) -> None:
    """`total += a @ b`; `spare` is of the shape of `total`, for when numpy does it."""
    call = _prepared(a.shape, a.strides, a.dtype, b.shape, b.strides, b.dtype, total.strides, total.dtype)
    if call is None or not (a.flags.aligned and b.flags.aligned and total.flags.aligned):
        np.add(total, np.matmul(a, b, spare), total)
    else:
        place = _place()
        call(place(a), place(b), place(total))


@lru_cache(4096)
def _prepared(
    a: tuple[int, ...],
    a_strides: tuple[int, ...],
    a_type: np.dtype[Any],
    b: tuple[int, ...],
    b_strides: tuple[int, ...],
    b_type: np.dtype[Any],
    strides: tuple[int, ...],
    t: np.dtype[Any],
) -> Callable[[int, int, int], None] | None:
    """The call for matrices of this layout. Its numbers become C values once: that takes longer than a small product."""
    gemm = _gemm()
    if gemm is None or not (len(a) == len(b) == len(strides) == 2 and a_type == b_type == t == np.float32):
        return None
    (rows, depth), columns = a, b[1]
    left, right, out = _layout(a, a_strides), _layout(b, b_strides), _layout((rows, columns), strides)
    if left is None or right is None or out is None or out[0] == _TRANSPOSED:
        return None
    function, integer = gemm
    layout, a_as, b_as = (ctypes.c_int(each) for each in (_ROW_MAJOR, left[0], right[0]))
    sizes = [integer(each) for each in (rows, columns, depth)]
    a_step, b_step, step = (integer(each) for each in (left[1], right[1], out[1]))
    one, place = ctypes.c_float(1.0), ctypes.c_void_p

    def call(a_place: int, b_place: int, out_place: int) -> None:
        function(layout, a_as, b_as, *sizes, one, place(a_place), a_step, place(b_place), b_step, one, place(out_place), step)

    return call


def _layout(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, int] | None:
    """Whether a matrix is transposed, and its leading dimension. None if BLAS cannot read it."""
    rows, columns = shape
    down, along = strides
    if not rows * columns:
        return None
    if along == _FLOAT_BYTES and down >= columns * _FLOAT_BYTES and down % _FLOAT_BYTES == 0:
        return _AS_IT_IS, down // _FLOAT_BYTES
    if down == _FLOAT_BYTES and along >= rows * _FLOAT_BYTES and along % _FLOAT_BYTES == 0:
        return _TRANSPOSED, along // _FLOAT_BYTES
    return None


@cache
def _place() -> Callable[[Array], int]:
    """The address of an array's first element. `x.ctypes.data` takes longer than a product of 32 by 32 does.

    In numpy's C interface an array is Python's object head and then that address. Whether it is so here is tried once.
    """
    x = np.arange(6, dtype=np.float32)[2:]
    if _read_place(x) == x.ctypes.data:
        return _read_place
    return lambda array: array.ctypes.data


def _read_place(x: Array) -> int:
    return ctypes.c_size_t.from_address(id(x) + object.__basicsize__).value


@cache
def _gemm() -> tuple[ctypes._NamedFuncPointer, type[ctypes.c_int64 | ctypes.c_int32]] | None:
    """The function, and the integers it takes."""
    np.matmul(np.ones((2, 2), np.float32), np.ones((2, 2), np.float32))  # so that numpy has loaded it
    paths = [each["filepath"] for each in threadpool_info() if each.get("internal_api") == "openblas"]
    for path in (each for each in paths if "numpy" in each):
        library = ctypes.CDLL(path)
        for name, integer in _NAMES:
            if hasattr(library, name):
                function = getattr(library, name)
                function.restype = None
                return function, integer
    return None
