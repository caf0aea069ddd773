"""Contractions as stacks of matrix products. Operands are views, so that BLAS reads them without a copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tilery.backends.operations import numerics
from tilery.backends.operations.numerics import Array
from tilery.dsl import program

from .. import steps
from ..frame import Step
from .allocation import Scope, Tile
from .fuse import Accumulate


@dataclass(frozen=True, slots=True)
class Roles:
    """The role of each axis of a contraction: batch, row, column or contracted."""

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
    a, b, spares = operands(op, found, scope)
    out = scope.create(op.result, found.axes)
    scope.steps.append(_product(op.result)(a, b, matrix(out, found, scope)))
    for each in spares:
        scope.give_back(each)


def accumulate(op: Accumulate, scope: Scope) -> None:
    """A contraction that is added to a carried value in place."""
    found = roles(op, scope)
    total = scope.tiles[op.total]
    a, b, spares = operands(op, found, scope)
    spare = scope.spare(found.axes, total.dtype)
    product = matrix(spare, found, scope)
    fresh = scope.fresh.get(op.total)
    out = scope.create(op.result, total.axes, total.dtype, [op.total])
    assert out is total, "an accumulation is the only reader of what it adds to"
    if total.axes == found.axes and len(found.rows) == len(found.columns) == 1 and fresh is not None:
        whole = op.result.element.kind == "int"
        accumulated = steps.accumulated_integer_product if whole else steps.accumulated_product
        scope.steps.append(accumulated(a, b, product, total.slot, fresh))
    else:
        if fresh is not None:
            scope.steps.append(steps.zero_if_marked(fresh, total.slot))
        scope.steps.append(_product(op.result)(a, b, product))
        scope.steps.append(steps.elementwise("add", [total.slot, scope.view(spare, total.axes)], total.slot))
    for each in (*spares, spare):
        scope.give_back(each)


def _product(result: program.Value) -> Callable[[int, int, int], Step]:
    return steps.integer_product if result.element.kind == "int" else steps.product


def operands(op: program.Dot | Accumulate, found: Roles, scope: Scope) -> tuple[int, int, list[Tile]]:
    """Slots with the two operands as stacks of matrices, and the spares that this took."""
    left, one = _read(scope.tiles[op.left], Stack(found.batch, found.rows, found.over), scope)
    right, other = _read(scope.tiles[op.right], Stack(found.batch, found.over, found.columns), scope)
    return left, right, [*one, *other]


@dataclass(frozen=True, slots=True)
class Stack:
    """The axes of a tile seen as a stack of matrices: those of the rows are taken as one, and those of the columns."""

    batch: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def axes(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.batch, *self.rows, *self.columns)

    @property
    def is_plain(self) -> bool:
        """Whether no axes are merged."""
        return len(self.rows) == len(self.columns) == 1


def matrix(tile: Tile, found: Roles, scope: Scope) -> int:
    """A slot with the tile of a product, which is to be written, as a stack of matrices."""
    stack = Stack(found.batch, found.rows, found.columns)
    if tile.axes == stack.axes and stack.is_plain:
        return tile.slot
    return scope.derived(tile, _reshaping(tile.axes, stack, scope), written=True)


def _read(tile: Tile, stack: Stack, scope: Scope) -> tuple[int, list[Tile]]:
    """A slot with an operand as a stack of matrices, copied in each step where it does not lie so that it can be seen as one."""
    if tile.axes == stack.axes and stack.is_plain:
        return tile.slot, []
    if tile.fixed and not _can_be_seen(tile.axes, stack):
        copied = scope.in_order(tile, stack.axes)
        return scope.derived(copied, _reshaping(copied.axes, stack, scope)), [copied]
    return scope.derived(tile, _reshaping(tile.axes, stack, scope)), []


def _can_be_seen(axes: tuple[str, ...], stack: Stack) -> bool:
    """Whether the axes that are taken as one lie together in a tile whose elements lie one after the other in this order."""
    return all(_lie_together(axes, each) for each in (stack.rows, stack.columns))


def _lie_together(axes: tuple[str, ...], group: tuple[str, ...]) -> bool:
    if len(group) < 2:
        return True
    start = axes.index(group[0]) if group[0] in axes else len(axes)
    return axes[start : start + len(group)] == group


def _reshaping(given: tuple[str, ...], stack: Stack, scope: Scope) -> Callable[[Array], Array]:
    axes, shape = stack.axes, scope.shape(stack.axes)
    stacked = (*scope.shape(stack.batch), _count(scope.shape(stack.rows)), _count(scope.shape(stack.columns)))

    def view(array: Array) -> Array:
        lined_up = numerics.aligned(array, given, axes)
        return (lined_up if lined_up.shape == shape else np.broadcast_to(lined_up, shape)).reshape(stacked)

    return view


def _count(shape: Sequence[int]) -> int:
    return int(np.prod(shape, dtype=np.int64))
