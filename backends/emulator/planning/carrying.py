"""Values that a `for` loop carries from step to step: one storage for each, updated in place where the body allows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

import numpy as np

from tilery.backends.operations import numerics
from tilery.dsl import program
from tilery.dsl.program import Value

from .. import steps
from .allocation import Scope, Tile
from .fuse import Accumulate, total_uses

PAGE_BYTES = 4096
WORTH_A_COPY = 4
"""Steps that add to a matrix from which it pays to add elsewhere and copy."""


@dataclass(slots=True)
class Carrying:
    """The carried names of one loop while it is lowered: `begin`, then `enter` and `leave` for each variant, then `end`."""

    loop: program.ForLoop
    scope: Scope
    tiles: list[Tile] = field(default_factory=list)
    fresh: dict[Value, int] = field(default_factory=dict)
    """For what begins as zeros and is only added to: the slot that says nothing has been added yet."""
    pinned: set[int] = field(default_factory=set)
    """The storages that this loop keeps from being given away."""

    @property
    def arguments(self) -> list[Value]:
        """The values that the body reads."""
        return [each.argument for each in self.loop.carried]

    @property
    def updated(self) -> list[Value]:
        """The values at the end of the body."""
        return [each.updated for each in self.loop.carried]

    def begin(self) -> None:
        """Copies every initial value to the storage that carries it."""
        read = total_uses(self.loop.body)
        for each in self.loop.carried:
            axes = self._axes(each)
            initial = self.scope.tiles[each.initial]
            reuse = [] if read[each.initial] or each.initial in self.updated else [each.initial]
            dtype = numerics.compute_dtype(each.result.element)
            if self._wants_padding(each, axes):
                tile = self.scope.create_padded(each.result, axes, dtype)
            else:
                tile = self.scope.create(each.result, axes, dtype, reuse)
            self.tiles.append(tile)
            if tile.slot != initial.slot:
                self._start(each, initial, tile)
        # A loop around that carries the same storage has pinned it before, and goes on after this one.
        self.pinned = {tile.storage for tile in self.tiles if tile.storage is not None} - self.scope.shared.pinned
        self.scope.shared.pinned |= self.pinned

    def _wants_padding(self, carried: program.Carried, axes: tuple[str, ...]) -> bool:
        """Whether matrix products are added to rows whole pages apart, often enough for a copy in the end to pay."""
        op = self.scope.shared.ops.get(carried.updated)
        if not (isinstance(op, Accumulate) and op.total is carried.argument and len(axes) == 2):
            return False
        left, right = ({axis.name for axis in each.axes} & set(axes) for each in (op.left, op.right))
        steps_taken = self._steps()
        return (
            len(left) == len(right) == 1
            and left != right
            and steps_taken >= WORTH_A_COPY
            and self._row_bytes(carried, axes) % PAGE_BYTES == 0
        )

    def _steps(self) -> int:
        axis = self.loop.variable.axis
        whole = program.size_value(axis.size, self.scope.shared.dims)
        return ceil((self.scope.extents[axis.parent] if axis.parent else whole) / self.scope.shared.sizes[axis.name])

    def _row_bytes(self, carried: program.Carried, axes: tuple[str, ...]) -> int:
        """From row to row, in the result if it would be computed there."""
        store = self.scope.targets.get(carried.result)
        if store is None:
            return 4 * self.scope.extents[axes[-1]]
        return numerics.numpy_dtype(store.tensor.element).itemsize * program.size_value(
            store.tensor.shape[-1], self.scope.shared.dims
        )

    def _axes(self, carried: program.Carried) -> tuple[str, ...]:
        axes = self.scope.physical(carried.result.axes)
        store = self.scope.targets.get(carried.result)
        wanted = self.scope.physical(program.index_axes(store.index)) if store else ()
        return wanted if set(wanted) == set(axes) else axes

    def _start(self, carried: program.Carried, initial: Tile, tile: Tile) -> None:
        ops = self.scope.shared.ops
        fill = ops.get(carried.initial)
        if isinstance(fill, program.Unwritten):
            return
        number = ops.get(fill.operand) if isinstance(fill, program.Fill) else None
        adds = self.scope.shared.accumulated.get(carried.updated) is carried.argument
        if isinstance(number, program.Constant) and number.value == 0 and adds:
            self.fresh[carried.argument] = self.scope.shared.layout.slot()
            self.scope.steps.append(steps.mark(self.fresh[carried.argument]))
            return
        self.scope.steps.append(steps.copy(self.scope.view(initial, tile.axes), tile.slot))

    def enter(self, inner: Scope) -> None:
        """Makes the carried storages the arguments of the body."""
        for value, tile in zip(self.arguments, self.tiles, strict=True):
            inner.tiles[value] = tile
            self._own(tile, {value})
        inner.fresh = {**inner.fresh, **self.fresh}

    def leave(self, inner: Scope) -> None:
        """Copies the values at the end of the body to the storages that carry them, unless they were computed there."""
        carried = {tile.storage for tile in self.tiles}
        moves: list[tuple[int, Tile]] = []
        spares: list[Tile] = []
        for value, tile in zip(self.updated, self.tiles, strict=True):
            source = inner.tiles[value]
            if source.slot == tile.slot and source.axes == tile.axes:
                continue
            slot = inner.view(source, tile.axes)
            if source.storage in carried:  # `a, b = b, a`: the other would be lost before it is read
                spares.append(inner.spare(tile.axes, np.dtype(tile.dtype)))
                inner.steps.append(steps.copy(slot, spares[-1].slot))
                slot = spares[-1].slot
            moves.append((slot, tile))
        inner.steps += [steps.copy(slot, tile.slot) for slot, tile in moves]
        for each in spares:
            inner.give_back(each)
        outside = set(self.scope.tiles)
        for value in set(self.updated) - outside:
            inner.release(value)

    def end(self) -> None:
        """Makes the carried storages the results of the loop."""
        for argument, tile in zip(self.arguments, self.tiles, strict=True):
            if argument in self.fresh:  # and no step was taken
                self.scope.steps.append(steps.zero_if_marked(self.fresh[argument], tile.slot))
        self.scope.shared.pinned -= self.pinned
        for each, tile in zip(self.loop.carried, self.tiles, strict=True):
            self._own(tile, {each.result})

    def _own(self, tile: Tile, values: set[Value]) -> None:
        assert tile.storage is not None
        self.scope.shared.owners[tile.storage] = values
