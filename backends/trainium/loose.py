"""Loops for which short tiles are worth trying: the chip processes their positions one after another anyway.

    tile h of H, s of S: y[h, s, D] = x[h, s, D] * scale     h across the partitions: s may be cut short, h not
    dot[k](q[h, i, k], k[h, j, k])                           h of both operands: one product a position, cut short or not

A tile with fewer positions than the chip has partitions leaves some of them unused, or rows and columns of the array. So axes
across the partitions, and the contracted and free axes of a product, are not cut short.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from tilery.dsl.program import Axis, Dot, Statement, size_value

from .lowering.layout import Group
from .lowering.uses import statements
from .runs.arrange import cuttable
from .runs.eligible import Runs


def loose_axes(
    groups: tuple[Group, ...], runs: Runs, body: Iterable[Statement], dims: Mapping[str, int], partitions: int
) -> frozenset[str]:
    """Names of the axes of which short tiles may help at these shapes.

    A long axis that is contiguous in device memory is not among them: its transfers would become short runs.
    """
    pinned = {axis for statement in statements(tuple(body)) if isinstance(statement, Dot) for axis in _sides(statement)}
    pinned |= {group.axis for group in groups if group.axis and _stays_across(group, group.axis, runs, dims, partitions)}
    along = {axis for group in groups for axis in runs.worthwhile(group.members)}
    pinned |= {axis for axis in along if size_value(axis.size, dims) > partitions}
    held = {axis for group in groups for value in group.members for axis in value.axes}
    names = {axis.name for axis in pinned} | {axis.parent for axis in pinned}
    return frozenset(axis.name for axis in held if axis.name not in names)


def _sides(dot: Dot) -> Iterator[Axis]:
    """The axes that a product sums over, and those that one of its operands has alone."""
    yield from dot.axes
    left, right = dot.left.axes, dot.right.axes
    yield from (axis for axis in (*left, *right) if (axis in left) != (axis in right))


def _stays_across(group: Group, axis: Axis, runs: Runs, dims: Mapping[str, int], partitions: int) -> bool:
    """Whether an axis lies across the partitions in every layout that is searched for the group."""
    long = size_value(axis.size, dims) * 2 >= partitions
    return long or cuttable(group, runs) in (None, axis)


def short_sizes(extent: int, step: int) -> Collection[int]:
    """Sizes below the chip's step: powers of four for a long dimension, sizes that cut it into equal parts for a short one."""
    if extent > step:
        return {1 << power for power in range(0, step.bit_length() - 1, 2)}
    halved = {-(-extent // (1 << power)) for power in range(extent.bit_length() + 1)}
    return halved | {extent // parts for parts in range(1, 17) if extent % parts == 0}
