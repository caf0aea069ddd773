"""Steps over several tiles at once: what a wide transfer covers, and the loop around these tiles.

for n of N:                 for n.4096 of N:
    load x[m, n]                load x[m, n.4096]
    ..                          for n of n.4096: ..
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilery.dsl.program import Axis, size_value

from .numbers import Number, larger, smaller


@dataclass(frozen=True, slots=True)
class Width:
    """A step that covers as many whole tiles of a variable as fit into a number of positions, one at least."""

    axis: Axis
    """The tile variable."""
    positions: int

    def step(self, tile: Number, extent: Number) -> Number:
        """The positions of a full step."""
        return smaller(larger(self.positions // tile, 1) * tile, extent)


def widened(widths: Mapping[str, Width], dims: Mapping[str, int], tiles: Mapping[str, Number]) -> dict[str, Number]:
    """The tile sizes, with those of the steps that cover several tiles; `tiles` may leave out the variables `by 1`."""
    steps = {name: each.step(tiles.get(each.axis.name, 1), size_value(each.axis.size, dims)) for name, each in widths.items()}
    return {**tiles, **steps}
