"""Contractions as stacks of matrix products, operands lined up as views so that BLAS reads them where they lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...dsl import program
from .. import numerics
from ..numerics import Array
from . import steps
from .fuse import Accumulate
from .scope import Scope, Tile


@dataclass(frozen=True, slots=True)
class Roles:
    """What each axis of a contraction is."""

    batch: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    over: tuple[str, ...]

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of the product."""
        return (*self.batch, *self.rows, *self.columns)


def roles(op: program.Dot | Accumulate, scope: Scope) -> Roles:
    """The roles of the axes that both operands are seen with; contracted ones that an operand has not are broadcast."""
    left, right = scope.tiles[op.left].axes, scope.tiles[op.right].axes
    contracted = {axis.name for axis in op.axes}
    over = tuple(dict.fromkeys(name for name in (*left, *right) if name in contracted))
    return Roles(
        batch=tuple(name for name in left if name in right and name not in contracted),
        rows=tuple(name for name in left if name not in right and name not in contracted),
        columns=tuple(name for name in right if name not in left and name not in contracted),
        over=(*over, *(each for each in scope.physical(op.axes) if each not in over)),
    )


def dot(op: program.Dot, scope: Scope) -> None:
    """A contraction into a tile of its own."""
    found = roles(op, scope)
    if not found.rows and not found.columns and found.batch and len(found.over) == 1:
        a, b = (scope.full_view(scope.tiles[each], (*found.batch, *found.over)) for each in (op.left, op.right))
        scope.steps.append(steps.inner(a, b, scope.create(op.result, found.batch).slot))
        return
    a, b = operands(op, found, scope)
    out = scope.create(op.result, found.axes)
    scope.steps.append(steps.product(a, b, matrix(out, found, scope)))


def accumulate(op: Accumulate, scope: Scope) -> None:
    """A contraction added to what a loop carries, where that lies."""
    found = roles(op, scope)
    total = scope.tiles[op.total]
    a, b = operands(op, found, scope)
    spare = scope.spare(found.axes, total.dtype)
    product = matrix(spare, found, scope)
    fresh = scope.fresh.get(op.total)
    out = scope.create(op.result, total.axes, total.dtype, [op.total])
    assert out is total, "an accumulation is the only reader of what it adds to"
    if total.axes == found.axes and len(found.rows) == len(found.columns) == 1 and fresh is not None:
        scope.steps.append(steps.accumulated_product(a, b, product, total.slot, fresh))
    else:
        if fresh is not None:
            scope.steps.append(steps.zero_if_marked(fresh, total.slot))
        scope.steps.append(steps.product(a, b, product))
        scope.steps.append(steps.elementwise("add", [total.slot, scope.view(spare, total.axes)], total.slot))
    scope.give_back(spare)


def operands(op: program.Dot | Accumulate, found: Roles, scope: Scope) -> tuple[int, int]:
    """Slots with the two operands as stacks of matrices."""
    left = _stacked(scope.tiles[op.left], found.batch, found.rows, found.over, scope)
    right = _stacked(scope.tiles[op.right], found.batch, found.over, found.columns, scope)
    return left, right


def matrix(tile: Tile, found: Roles, scope: Scope) -> int:
    """A slot with the tile of a product as a stack of matrices."""
    return _stacked(tile, found.batch, found.rows, found.columns, scope)


def _stacked(tile: Tile, batch: Sequence[str], rows: Sequence[str], columns: Sequence[str], scope: Scope) -> int:
    axes = (*batch, *rows, *columns)
    if tile.axes == axes and len(rows) == len(columns) == 1:
        return tile.slot
    shape = scope.shape(axes)
    stack = (*scope.shape(batch), _count(scope.shape(rows)), _count(scope.shape(columns)))
    return scope.derived(tile, _reshaping(tile.axes, axes, shape, stack))


def _reshaping(
    given: tuple[str, ...], axes: tuple[str, ...], shape: tuple[int, ...], stack: tuple[int, ...]
) -> Callable[[Array], Array]:
    def view(array: Array) -> Array:
        lined_up = numerics.aligned(array, given, axes)
        return (lined_up if lined_up.shape == shape else np.broadcast_to(lined_up, shape)).reshape(stack)

    return view


def _count(shape: Sequence[int]) -> int:
    return int(np.prod(shape, dtype=np.int64))
