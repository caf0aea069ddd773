"""How an instruction's axes are split into pieces that the hardware takes at once. Costs count them, execution follows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product as combinations

from tilery.dsl.program import Axis

from .engine_program import Buffer
from .numbers import Number, ceil_div, product

Range = tuple[int, int]
"""Positions along an axis: the first one, and the one after the last."""
Extents = Mapping[str, Number]
"""Axis name -> positions it covers here."""


@dataclass(frozen=True, slots=True)
class Split:
    """An axis that is split into pieces of at most `limit` positions."""

    axis: Axis
    limit: int

    def count(self, extent: Number) -> Number:
        """The number of pieces that cover `extent` positions."""
        return ceil_div(extent, self.limit)

    def ranges(self, covered: Range) -> Iterator[Range]:
        """The pieces of a range, in order."""
        return stretches(covered, self.limit)


def stretches(covered: Range, limit: int) -> Iterator[Range]:
    """A range cut into stretches of `limit` positions; the last one may be shorter."""
    start, stop = covered
    for place in range(start, stop, limit):
        yield place, min(stop, place + limit)


def count(splits: Sequence[Split], extents: Extents) -> Number:
    """The number of pieces of an instruction at these extents."""
    return product(split.count(extents[split.axis.name]) for split in splits)


def touches(splits: Sequence[Split], buffer: Buffer, extents: Extents) -> Number:
    """How many pieces touch the same elements of a buffer: those along the axes that the buffer does not have."""
    return count([split for split in splits if split.axis not in buffer.axes], extents)


def pieces(splits: Sequence[Split], ranges: Mapping[str, Range]) -> Iterator[dict[str, Range]]:
    """The ranges of every piece, in order; the last split changes fastest."""
    names = [split.axis.name for split in splits]
    for each in combinations(*(list(split.ranges(ranges[split.axis.name])) for split in splits)):
        yield {**ranges, **dict(zip(names, each, strict=True))}
