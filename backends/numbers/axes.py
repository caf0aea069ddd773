"""Arrays whose axes have names: lined up, and contracted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .fork_gates import gate
from .integer_products import integer_matmul
from .rounding import Array


def aligned(x: Array, axes: Sequence[str], target: Sequence[str]) -> Array:
    """A view of `x`, whose axes are named `axes`, that broadcasts against an array of the axes `target`, in that order."""
    order = [axes.index(name) for name in target if name in axes]
    if len(order) < len(axes):
        x, axes = _without_single(x, axes, target)
        order = [axes.index(name) for name in target if name in axes]
    # The ellipsis keeps an array of no axes an array; plain indexing would make it a number, a copy.
    return x.transpose(order)[(..., *(slice(None) if name in axes else None for name in target))]


def _without_single(x: Array, axes: Sequence[str], target: Sequence[str]) -> tuple[Array, list[str]]:
    """`x` without the axes that the target lacks, which are of extent one."""
    lacking = tuple(place for place, name in enumerate(axes) if name not in target)
    return x.squeeze(lacking), [name for name in axes if name in target]


def contract(
    left: Array, left_axes: Sequence[str], right: Array, right_axes: Sequence[str], over: Sequence[str]
) -> tuple[Array, tuple[str, ...]]:
    """The products summed over the axes `over`, which both have; other shared names are batch axes. By BLAS.

    Gives the result and its axes: the left ones without `over`, then the right ones that are new.
    """
    batch = [name for name in left_axes if name in right_axes and name not in over]
    rows = [name for name in left_axes if name not in right_axes]
    columns = [name for name in right_axes if name not in left_axes]
    a = _matrices(aligned(left, left_axes, [*batch, *rows, *over]), len(batch), len(rows))
    b = _matrices(aligned(right, right_axes, [*batch, *over, *columns]), len(batch), len(over))
    extents = dict(zip(left_axes, left.shape, strict=True)) | dict(zip(right_axes, right.shape, strict=True))
    with np.errstate(all="ignore"), gate():
        found = integer_matmul(a, b) if a.dtype == b.dtype == np.int32 else np.matmul(a, b)
        product = found.reshape([extents[name] for name in [*batch, *rows, *columns]])
    axes = (*(name for name in left_axes if name not in over), *columns)
    return aligned(product, [*batch, *rows, *columns], axes), axes


def _matrices(x: Array, batch: int, rows: int) -> Array:
    """`x` as a stack of matrices: `batch` leading axes kept, the next `rows` flattened, the rest flattened."""
    shape = x.shape
    middle = int(np.prod(shape[batch : batch + rows], dtype=np.int64))
    return x.reshape(*shape[:batch], middle, int(np.prod(shape[batch + rows :], dtype=np.int64)))
