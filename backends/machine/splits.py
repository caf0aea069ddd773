"""How the axes of an instruction are split into what the hardware takes at once: for counting, and for carrying out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product as combinations

from tilery.dsl.program import Axis

from .numbers import Number, ceil_div, product
from .program import Buffer

Range = tuple[int, int]
"""Positions along an axis: the first one, and the one after the last."""
Extents = Mapping[str, Number]
"""Axis name -> positions it covers here."""


@dataclass(frozen=True, slots=True)
class Split:
    """An axis of which one instruction takes `limit` positions at most."""

    axis: Axis
    limit: int

    def count(self, extent: Number) -> Number:
        """Pieces that cover so many positions."""
        return ceil_div(extent, self.limit)

    def ranges(self, covered: Range) -> Iterator[Range]:
        """The pieces of a range, in order."""
        return stretches(covered, self.limit)


def stretches(covered: Range, limit: int) -> Iterator[Range]:
    """A range in stretches of `limit` positions, the last one perhaps shorter."""
    start, stop = covered
    for place in range(start, stop, limit):
        yield place, min(stop, place + limit)


def count(splits: Sequence[Split], extents: Extents) -> Number:
    """Pieces of an instruction at these extents."""
    return product(split.count(extents[split.axis.name]) for split in splits)


def touches(splits: Sequence[Split], buffer: Buffer, extents: Extents) -> Number:
    """In how many pieces the same elements of a buffer are met: once for every piece of the axes that it has not."""
    return count([split for split in splits if split.axis not in buffer.axes], extents)


def pieces(splits: Sequence[Split], ranges: Mapping[str, Range]) -> Iterator[dict[str, Range]]:
    """The ranges of every piece, in order: those of the last split come one after another."""
    names = [split.axis.name for split in splits]
    for each in combinations(*(list(split.ranges(ranges[split.axis.name])) for split in splits)):
        yield {**ranges, **dict(zip(names, each, strict=True))}
