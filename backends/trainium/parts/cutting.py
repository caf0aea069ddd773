"""Which axes of a tile a cut or an insert takes as they are, under another name, or in part.

row[m, N]    row[m, k]    m as it is, N in part
h[b, H]      h[b, G]      b as it is, H under the name G
"""

from __future__ import annotations

from tilery.dsl.program import AffineIndex, Axis, AxisIndex, Cut, Index, Insert


def renames(index: Index, axis: Axis) -> bool:
    """Whether an index takes all of a tile's axis, under its own name or another."""
    return isinstance(index, AxisIndex) and (index.axis == axis or (axis.whole and index.axis.whole))


def parted(op: Cut | Insert) -> list[Axis]:
    """The axes of the tile of which a part is taken, or one that data choose."""
    return [axis for axis, index in zip(op.tile.axes, op.index, strict=True) if not axis.unit and not renames(index, axis)]


def renamed(op: Cut | Insert) -> dict[Axis, Axis]:
    """The axes of the tile that are there under another name, each with that name's axis."""
    pairs = zip(op.tile.axes, op.index, strict=True)
    return {
        axis: index.axis for axis, index in pairs if isinstance(index, AxisIndex) and index.axis != axis and renames(index, axis)
    }


def image(op: Cut | Insert, partition: Axis | None) -> Axis | None:
    """The axis of the part that lies across the partitions where `partition` does in the tile. None: no whole one does."""
    if partition is None:
        return None
    index = dict(zip(op.tile.axes, op.index, strict=True))[partition]
    return index.axis if isinstance(index, AxisIndex) and renames(index, partition) else None


def apart(one: tuple[Index, ...], other: tuple[Index, ...]) -> bool:
    """Whether two parts of one tile have no element in common for certain: single positions at different offsets."""
    return any(_different(a, b) for a, b in zip(map(_affine, one), map(_affine, other), strict=True) if a and b)


def _different(one: AffineIndex, other: AffineIndex) -> bool:
    numbers = isinstance(one.offset, int) and isinstance(other.offset, int)
    single = all(axis.unit for axis, _ in one.terms) and one.terms == other.terms
    return numbers and single and one.offset != other.offset


def _affine(index: Index) -> AffineIndex | None:
    if isinstance(index, AxisIndex):
        return AffineIndex(((index.axis, 1),), 0)
    return index if isinstance(index, AffineIndex) else None
