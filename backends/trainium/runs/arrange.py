"""Which axis lies across the partitions and which is cut into runs, for every group of values.

A group whose values have one axis only, as in `z[n] = x[n] + y[n]`, is cut along it, unless something needs single elements on
the partitions. A group with several axes has the one that `layout` chose across the partitions. It may instead be cut along the
axis that is contiguous in device memory:

    x[h, j], 8 rows     h across 8 of 128 partitions     or     j in runs on all of them, h along each partition
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilery.backends.machine.choices import Choices, ForShort
from tilery.dsl.program import Axis, Value

from ..lowering.layout import Group, Layout
from .eligible import Runs

ROWS, RUNS = "rows", "runs"
"""An axis across the partitions, a row of the tile a partition; or an axis cut into runs of consecutive positions."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The layout of every value."""

    across: Layout
    runs: Mapping[Value, Axis]
    """The axis that is cut into runs, for the values that have one."""


def arrange(groups: tuple[Group, ...], runs: Runs, choices: Choices, partitions: int) -> Arrangement:
    """Chooses the layout of every group; where there is a choice, it is a knob."""
    across: dict[Value, Axis | None] = {}
    cut: dict[Value, Axis] = {}
    for group in groups:
        axis = _cut(group, runs, choices, partitions)
        if axis is None:
            across |= group.across()
        else:
            across |= dict.fromkeys(group.members)
            cut |= {value: axis for value in group.members if axis in value.axes}
    return Arrangement(across, cut)


def _cut(group: Group, runs: Runs, choices: Choices, partitions: int) -> Axis | None:
    """The axis that a group is cut along, if it is."""
    axis = cuttable(group, runs)
    if axis is None:
        return None
    if is_flat(group):
        if runs.reduced(group.members, axis):
            return axis  # no engine reduces along the partitions
        reason = f"{axis} is the only axis: a run of consecutive elements a partition, or one element"
        return axis if choices.pick(f"layout.{axis}", (RUNS, ROWS), reason) == RUNS else None
    short = None
    if group.axis is not None and group.axis != axis:
        why = f"{group.axis} fills half of the {partitions} partitions or more"
        short = ForShort(RUNS, (group.axis,), partitions // 2 - 1, why)
    reason = f"rows: {group.axis} across the partitions; runs: {axis} cut into as many runs as there are partitions"
    chosen = choices.pick(f"layout.{axis}.{group.axis}", (ROWS, RUNS), reason, short)
    return axis if chosen == RUNS else None


def cuttable(group: Group, runs: Runs) -> Axis | None:
    """The axis that a group could be cut along, if there is one."""
    return next((each for each in runs.worthwhile(group.members) if not runs.bars(group.members, each)), None)


def is_flat(group: Group) -> bool:
    """True if the values of a group have one axis, or none."""
    return len({axis for value in group.members for axis in value.axes if not axis.unit}) == 1


def flat_axes(groups: tuple[Group, ...], runs: Runs) -> frozenset[str]:
    """Names of the axes that may be cut into runs and are the only axis of their values. Their tiles may be long.

    The same holds for the axes whose tiles they cut, `k of m`.
    """
    flat = [group for group in groups if is_flat(group)]
    found = [(group, axis) for group in flat for axis in runs.worthwhile(group.members)]
    long = [axis for group, axis in found if not runs.bars(group.members, axis)]
    return frozenset(name for axis in long for name in (axis.name, axis.parent) if name)
