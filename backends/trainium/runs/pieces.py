"""How positions are cut into runs: a full rectangle, and what is left over, one element a partition.

    300 positions on 128 partitions: [128, 2], then [44, 1]

Both begin at the first partition. Each takes an instruction of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tilery.backends.machine.numbers import Number, ceil_div
from tilery.backends.machine.splits import Range, Split


def run_length(positions: Number, partitions: int) -> Number:
    """Elements of a run in the full rectangle."""
    return positions // partitions


def left_over(positions: Number, partitions: int) -> Number:
    """Elements after the full rectangle: fewer than there are partitions."""
    return positions % partitions


def piece_count(positions: Number, partitions: int) -> Number:
    """Instructions that cover all positions: one, or two."""
    return (run_length(positions, partitions) > 0) * 1 + (left_over(positions, partitions) > 0) * 1


def elements_a_lane(positions: Number, partitions: int, lanes: int) -> Number:
    """Elements that each lane of an engine takes, both pieces together."""
    full = run_length(positions, partitions) * ceil_div(partitions, lanes)
    return full + ceil_div(left_over(positions, partitions), lanes)


def rectangles(start: int, stop: int, partitions: int) -> Iterator[tuple[int, int]]:
    """The positions of the full rectangle, and of the rest."""
    border = stop - left_over(stop - start, partitions)
    yield from (each for each in ((start, border), (border, stop)) if each[0] < each[1])


@dataclass(frozen=True, slots=True)
class RunSplit(Split):
    """An axis that is cut into runs, one in each of `limit` partitions."""

    def count(self, extent: Number) -> Number:
        """One instruction, or two."""
        return piece_count(extent, self.limit)

    def ranges(self, covered: Range) -> Iterator[Range]:
        """The full rectangle, then the rest."""
        return rectangles(*covered, self.limit)
