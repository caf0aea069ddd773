"""The state of lowering at one point of the program: the slot of each value, and the free buffers.

A *tile* is a value in a slot of the frame. It has fewer axes than the value where an axis has one position only or where every
position is alike (`zeros[m, n]` is one number); they come back by broadcasting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tilery.backends.operations import numerics
from tilery.backends.operations.numerics import Array
from tilery.dsl import program
from tilery.dsl.program import Op, Value

from .. import steps
from ..frame import Layout, Step

PADDING_BYTES = 64


@dataclass(frozen=True, slots=True)
class Tile:
    """A value in a slot."""

    slot: int
    axes: tuple[str, ...]
    dtype: np.dtype[Any]
    fixed: bool
    """The slot holds the same array throughout, so its views can be made once."""
    storage: int | None = None
    """The buffer behind it (below 0: part of a result); None if it must not be written to."""
    view: bool = False
    """Part of another tile, perhaps with one element in several places: nothing is computed into it."""


@dataclass(slots=True)
class Shared:
    """The part of the state that is shared by all blocks of a program."""

    kernel: program.Program
    dims: Mapping[str, int]
    sizes: Mapping[str, int]
    """The step of each tile axis: the chunk of a coalesced one, else its tile."""
    converted: frozenset[str]
    """Tensors that each call brings to computing form as a whole."""
    ops: Mapping[Value, Op]
    lazy: frozenset[Value]
    """Values that are never computed themselves."""
    accumulated: Mapping[Value, Value]
    """What each `Accumulate` leaves -> what it adds to."""
    shared_loop: program.TileLoop | None
    """The loop whose steps several workers may share."""
    mask_bytes: int
    """What the masks of one condition may take."""
    layout: Layout = field(default_factory=Layout)
    owners: dict[int, set[Value]] = field(default_factory=dict)
    """The values in each storage. A storage without values is free."""
    pinned: set[int] = field(default_factory=set)
    """Storages in which a running loop carries values; they are not reused."""
    results: int = 0
    """How many storages are parts of results."""


@dataclass(slots=True)
class Scope:
    """One block of statements, for steps of given extents."""

    shared: Shared
    extents: dict[str, int]
    """Positions along each axis."""
    tiles: dict[Value, Tile] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    dying: frozenset[Value] = frozenset()
    """Values that no later statement reads: their buffers may be overwritten."""
    targets: dict[Value, program.Store] = field(default_factory=dict)
    """Values that are computed directly in the result to which a store would copy them."""

    copied: frozenset[Value] = frozenset()
    """The cuts of this block that are read after their tile has been written to."""
    fresh: dict[Value, int] = field(default_factory=dict)
    """For what is added up from zeros: the slot of the flag that nothing has been added yet."""

    def inner(self, extents: Mapping[str, int]) -> Scope:
        """A scope within, in which the axes of a loop have `extents`."""
        return Scope(self.shared, {**self.extents, **extents}, dict(self.tiles), fresh=self.fresh)

    def physical(self, axes: Sequence[program.Axis]) -> tuple[str, ...]:
        """The names of the axes that have more than one position (or none)."""
        return tuple(axis.name for axis in axes if self.extents[axis.name] != 1)

    def shape(self, axes: Sequence[str]) -> tuple[int, ...]:
        """The extents of axes."""
        return tuple(self.extents[name] for name in axes)

    # --- tiles for results ------------------------------------------------------------------------------------------

    def create(
        self, value: Value, axes: tuple[str, ...], dtype: np.dtype[Any] | None = None, reuse: Sequence[Value] = ()
    ) -> Tile:
        """A tile for `value`: in a result, else in the buffer of a dying value of `reuse`, else in a free buffer."""
        dtype = dtype or numerics.compute_dtype(value.element)
        tile = self._target(value, axes, dtype) or self._taken_over(value, axes, dtype, reuse) or self._fresh(axes, dtype)
        assert tile.storage is not None
        self.shared.owners.setdefault(tile.storage, set()).add(value)
        self.tiles[value] = tile
        return tile

    def _target(self, value: Value, axes: tuple[str, ...], dtype: np.dtype[Any]) -> Tile | None:
        store = self.targets.get(value)
        if store is None or self.physical(program.index_axes(store.index)) != axes:
            return None
        slot = self.shared.layout.slot()
        self.steps.append(steps.target(store.tensor.name, self.parts(store.index), slot))
        self.shared.results += 1
        return Tile(slot, axes, dtype, False, -self.shared.results)

    def _taken_over(self, value: Value, axes: tuple[str, ...], dtype: np.dtype[Any], candidates: Sequence[Value]) -> Tile | None:
        for each in candidates:
            tile = self.tiles[each]
            free = each in self.dying and tile.storage is not None and self.shared.owners[tile.storage] == {each}
            if free and not tile.view and tile.axes == axes and tile.dtype == dtype:
                self.shared.owners[tile.storage or 0].clear()
                return tile
        return None

    def _fresh(self, axes: tuple[str, ...], dtype: np.dtype[Any]) -> Tile:
        shape = self.shape(axes)
        buffer = self.shared.layout.take(max(1, int(np.prod(shape, dtype=np.int64))) * dtype.itemsize)
        return Tile(self.shared.layout.bind(buffer, shape, dtype), axes, dtype, True, buffer)

    def create_padded(self, value: Value, axes: tuple[str, ...], dtype: np.dtype[Any]) -> Tile:
        """A tile in a buffer whose rows do not all begin at the same place of a page, for products to be added to.

        Rows whole pages apart share few places in the cache: adding to such a matrix takes BLAS a tenth longer.
        """
        rows, columns = self.shape(axes)
        step = columns + PADDING_BYTES // dtype.itemsize
        buffer = self.shared.layout.take(max(1, rows * step) * dtype.itemsize)
        whole = self.shared.layout.bind(buffer, (rows, step), dtype)
        slot = self.shared.layout.derive(whole, lambda array: array[:, :columns])
        tile = Tile(slot, axes, dtype, False, buffer)  # not fixed: a view of another shape may have to be a copy
        self.shared.owners.setdefault(buffer, set()).add(value)
        self.tiles[value] = tile
        return tile

    def spare(self, axes: tuple[str, ...], dtype: np.dtype[Any]) -> Tile:
        """A buffer for the present statement only; give it back with `give_back`."""
        return self._fresh(axes, dtype)

    def give_back(self, tile: Tile) -> None:
        """Ends the use of a spare."""
        assert tile.storage is not None
        self.shared.layout.free.append(tile.storage)

    def alias(self, value: Value, tile: Tile) -> None:
        """`value` is the very array that `tile` is."""
        self.tiles[value] = tile
        if tile.storage is not None:
            self.shared.owners[tile.storage].add(value)

    def release(self, value: Value) -> None:
        """Nothing reads `value` any more."""
        tile = self.tiles.get(value)
        if tile is None or tile.storage is None or value not in self.shared.owners[tile.storage]:
            return
        owners = self.shared.owners[tile.storage]
        owners.discard(value)
        if not owners and tile.storage >= 0 and tile.storage not in self.shared.pinned:
            self.shared.layout.free.append(tile.storage)

    # --- tiles as operands ------------------------------------------------------------------------------------------

    def view(self, tile: Tile, axes: Sequence[str]) -> int:
        """A slot with the array of `tile` lined up to broadcast against the axes `axes`."""
        if not tile.axes or tile.axes == tuple(axes)[len(axes) - len(tile.axes) :]:
            return tile.slot  # numpy adds leading axes by itself
        return self.derived(tile, lambda array: numerics.aligned(array, tile.axes, axes))

    def full_view(self, tile: Tile, axes: tuple[str, ...]) -> int:
        """A slot with the array of `tile` at its full extents over `axes`, broadcast where it has them not."""
        if tile.axes == axes:
            return tile.slot
        shape = self.shape(axes)
        return self.derived(tile, lambda array: np.broadcast_to(numerics.aligned(array, tile.axes, axes), shape))

    def derived(self, tile: Tile, view: Callable[[Array], Array], *, written: bool = False) -> int:
        """A slot with a view of a tile, made once if the tile stays where it is; `view` must not copy then, nor if the slot is
        written to."""
        if tile.fixed:
            return self.shared.layout.derive(tile.slot, view)
        slot = self.shared.layout.slot()
        make = steps.derived_for_writing if written else steps.derived
        self.steps.append(make(tile.slot, view, slot))
        return slot

    def in_order(self, tile: Tile, axes: tuple[str, ...]) -> Tile:
        """A spare with the elements of a tile one after the other in the order of `axes`, broadcast where it has them not."""
        spare = self.spare(axes, tile.dtype)
        self.steps.append(steps.copy(self.view(tile, axes), spare.slot))
        return spare

    def as_type(self, tile: Tile, dtype: np.dtype[Any]) -> tuple[Tile, bool]:
        """`tile` in another computing form, and whether that took a spare."""
        if tile.dtype == dtype:
            return tile, False
        spare = self.spare(tile.axes, dtype)
        self.steps.append(steps.copy(tile.slot, spare.slot))
        return spare, True

    def parts(self, index: Sequence[program.Index]) -> list[tuple[str, bool]]:
        """What a tensor is indexed with, every dimension by an axis."""
        axes = [each.axis for each in index if isinstance(each, program.AxisIndex)]
        return [("" if axis.whole else axis.name, self.extents[axis.name] == 1) for axis in axes]
