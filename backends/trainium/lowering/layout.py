"""Second pass: for every value, the axis that lies across the partitions. `runs` offers a second layout.

Values that are connected by elementwise work, reductions, loops or stores form a group with one partition axis. A value of the
group that does not have this axis is the same on every partition. A dot connects no groups: it needs its contracted axis across
the partitions of both operands, and one operand's free axis lies across the partitions of its result. Each group takes the
axis that costs least:

    softmax      m: rows are read whole, and max[N], sum[N] run along the partition
    a[m, k] @ .. m: rows are read whole, and a transpose follows; stored as a[k, m] it would be k, and no transpose
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from tilery.dsl.program import (
    Axis,
    AxisIndex,
    Call,
    Cast,
    Cut,
    Dot,
    Elementwise,
    Fill,
    ForLoop,
    GatherIndex,
    Index,
    Insert,
    Load,
    Op,
    Reduce,
    Scan,
    Statement,
    Store,
    Value,
    index_axes,
    index_values,
    operands,
)

from ..addressing import chooses_along_rows, contiguous_axis, gathered, is_strided, long_axes_of
from ..parts.cutting import parted, renamed
from .hosted import Prepared
from .uses import statements

ALMOST_IMPOSSIBLE = 100.0
"""A dot whose result or operand lacks the axis, a reduction or a scan across the partitions, a gather along a partition, a part
of what lies across the partitions."""
IMPOSSIBLE = 10_000.0
"""A product that is the same on every partition though it has axes."""
STRIDED = 20.0
"""Transfers of single elements, or a transpose that avoids them."""
TRANSPOSED = 5.0
"""A transpose on the way to a dot."""
BROADCAST = 3.0
"""The same bytes loaded into every partition."""
SHORT = 2.0
"""A vector read with one element a partition."""

Layout = Mapping[Value, Axis | None]
"""The partition axis of each value; None: the same on every partition."""


@dataclass(frozen=True, slots=True)
class Group:
    """Values that share one partition axis."""

    members: tuple[Value, ...]
    axis: Axis | None
    """The one that costs least."""

    def across(self) -> dict[Value, Axis | None]:
        """The partition axis of each value."""
        return {value: self.axis if self.axis in value.axes else None for value in self.members}


def grouped(prepared: Prepared) -> tuple[Group, ...]:
    """Every value that lives on the chip, with those that it shares a partition axis with."""
    groups = Groups(prepared)
    return tuple(
        Group(tuple(members), min(groups.candidates(members), key=partial(groups.cost, members))) for members in groups.members()
    )


@dataclass(slots=True)
class Demands:
    """What one value needs of its partition axis."""

    loads: list[tuple[Index, ...]]
    stores: list[tuple[Index, ...]]
    reduced: list[Axis]
    contracted: list[tuple[Axis, ...]]
    batch: list[Axis] | None
    """The axes that both operands of the dot have that gives the value: they cannot lie across the partitions. None: no dot."""
    parted: list[Axis]
    """The axes along which parts of tiles are taken, of the tile and of the part, and those that one of the two lacks."""
    renamed: tuple[Value, Mapping[Axis, Axis]] | None = None
    """The tile that the value is under other names, and for each of these the tile's own."""


class Groups:
    """The groups of connected values, and what each needs."""

    def __init__(self, prepared: Prepared) -> None:
        self._parent: dict[Value, Value] = {}
        self._demands: dict[Value, Demands] = {}
        self._immediates = prepared.immediates
        self._filled: set[Value] = set()
        """Tiles of one number, which every partition holds for nothing."""
        self._scanned: set[Value] = set()
        """The results of scans."""
        for statement in statements(prepared.body):
            self._note(statement)

    def members(self) -> list[list[Value]]:
        """The groups, in order of appearance."""
        found: dict[Value, list[Value]] = {}
        for value in self._parent:
            found.setdefault(self._root(value), []).append(value)
        return list(found.values())

    def candidates(self, members: Iterable[Value]) -> list[Axis | None]:
        """The axes that could lie across the partitions, those of the largest values first.

        At last none, where parts are taken, or where a scan runs along the only one: then every partition does the same.
        """
        by_rank = sorted(members, key=lambda value: -len(value.axes))
        axes = dict.fromkeys(axis for value in by_rank for axis in value.axes if not axis.unit)
        alone = len(axes) == 1 and any(value in self._scanned for value in by_rank)
        return [*axes, None] if alone or not axes or self.has_parts(by_rank) else [*axes]

    def cost(self, members: Iterable[Value], axis: Axis | None) -> float:
        """The cost of a partition axis for a group. It has no unit: only the order counts."""
        return sum(self._cost(value, axis) for value in members)

    def has_parts(self, members: Iterable[Value]) -> bool:
        """Whether parts are taken of any of the values, or make it up."""
        return any(self._demands[value].parted for value in members)

    def _cost(self, value: Value, axis: Axis | None) -> float:
        demands = self._demands[value]
        total = sum(_transfer_cost(index, axis) for index in (*demands.loads, *demands.stores))
        total += ALMOST_IMPOSSIBLE * sum(each == axis for each in demands.reduced)
        total += TRANSPOSED * sum(axis not in each for each in demands.contracted)
        if demands.contracted and axis not in value.axes:
            total += ALMOST_IMPOSSIBLE
        total += ALMOST_IMPOSSIBLE * sum(each == axis for each in demands.parted)
        if demands.loads and axis not in value.axes:
            total += BROADCAST
        if demands.batch is not None and (axis not in value.axes or axis in demands.batch):
            total += ALMOST_IMPOSSIBLE if axis is not None else IMPOSSIBLE
        return total

    def _note(self, statement: Statement) -> None:
        match statement:
            case ForLoop():
                for carried in statement.carried:
                    self._tie(carried.initial, carried.argument, carried.updated, carried.result)
            case Store():
                self._of(statement.value).stores.append(statement.index)
                for value in gathered(statement.index):
                    self._of(value)
            case Dot():
                self._of(statement.result).batch = [axis for axis in statement.left.axes if axis in statement.right.axes]
                for operand in (statement.left, statement.right):
                    self._contract(operand, tuple(axis for axis in statement.axes if not axis.unit))
            case Cut() | Insert():
                self._part(statement)
            case Load():
                self._of(statement.result).loads.append(statement.index)
                for value in gathered(statement.index):
                    self._of(value)
                if chooses_along_rows(statement.index):  # each partition has the positions in its own row
                    self._tie(statement.result, *gathered(statement.index))
            case Scan():
                self._tie(statement.result, *statement.operands)
                self._scanned.add(statement.result)
                self._of(statement.result).reduced.append(statement.axis)
            case Reduce() if statement.operand not in self._immediates:
                self._of(statement.operand).reduced.extend(statement.axes)
                if statement.operand in self._filled or any(not axis.unit for axis in statement.result.axes):
                    self._tie(statement.result, statement.operand)
                else:
                    self._of(statement.result)  # one number lies on every partition, wherever it comes from
            case Elementwise() | Cast() | Fill() | Call() | Reduce():
                self._tie(statement.result, *operands(statement))
                if isinstance(statement, Fill):
                    self._filled.add(statement.result)
            case Op():
                self._of(statement.result)
            case _:
                pass

    def _of(self, value: Value) -> Demands:
        if value not in self._demands:
            self._parent[value] = value
            self._demands[value] = Demands([], [], [], [], None, [])
        return self._demands[value]

    def _contract(self, operand: Value, axes: tuple[Axis, ...]) -> None:
        demands = self._of(operand)
        demands.contracted.append(axes)
        if demands.renamed is not None:
            tile, names = demands.renamed
            self._contract(tile, tuple(names.get(axis, axis) for axis in axes))

    def _part(self, op: Cut | Insert) -> None:
        """A part has the tile's partition axis, unless it is the tile under another name: that may have one of its own."""
        tile, part = op.tile, op.result if isinstance(op, Cut) else op.value
        cut, other = parted(op), renamed(op)
        by_axis = dict(zip(op.tile.axes, op.index, strict=True))
        inside = index_axes(by_axis[axis] for axis in cut)
        foreign = {axis for axis in (*cut, *other, *inside, *other.values()) if not axis.unit}
        if any(isinstance(each, GatherIndex) for each in op.index):  # each partition has the positions in its own row
            foreign -= {each.axis for each in op.index if isinstance(each, AxisIndex)}
            self._tie(part, *index_values(op.index))
        self._of(tile).parted += [axis for axis in foreign if axis in cut or axis not in tile.axes]
        if part not in self._immediates:
            self._of(part).parted += [axis for axis in foreign if axis in inside or axis not in part.axes]
        if isinstance(op, Insert):
            self._tie(tile, op.result)
        if not other:
            self._tie(tile, part)
        elif isinstance(op, Cut):
            self._of(part).renamed = (tile, {new: old for old, new in other.items()})
        for value in index_values(op.index):
            self._of(value)

    def _tie(self, *values: Value) -> None:
        tied = [value for value in values if value not in self._immediates]
        for value in tied:
            self._of(value)
            self._parent[self._root(value)] = self._root(tied[0])

    def _root(self, value: Value) -> Value:
        while self._parent[value] is not value:
            self._parent[value] = self._parent[self._parent[value]]
            value = self._parent[value]
        return value


def _transfer_cost(index: tuple[Index, ...], axis: Axis | None) -> float:
    if chooses_along_rows(index):
        rows = [*(each.axis for each in index if isinstance(each, AxisIndex)), *_row_axes(index)]
        return (STRIDED if contiguous_axis(index) == axis else 0.0) if axis in rows else ALMOST_IMPOSSIBLE
    if any(axis not in value.axes for value in gathered(index)):
        return ALMOST_IMPOSSIBLE
    if is_strided(index, axis):
        return STRIDED
    return SHORT if index and contiguous_axis(index) == axis else 0.0


def _row_axes(index: tuple[Index, ...]) -> list[Axis]:
    """The axes of positions that differ along one axis only."""
    return [axes[0] for value in gathered(index) if len(axes := long_axes_of(value)) == 1]
