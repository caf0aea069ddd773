"""The loop around the tiles that a wide transfer covers.

for s of S by 1:        for s.128 of S:
    x[d, s]                 load x[d, s.128]
    y[d, s] = ..            for s of s.128 by 1: ..
                            store y[d, s.128]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tilery.dsl.program import Axis, ForLoop

from ..lowering.builder import Builder, WideTransfer
from ..lowering.loads import is_hoisted
from .moving import store_row, wide_axis
from .offered import wide_loads, wide_stores


@contextmanager
def wide_steps(builder: Builder, loop: ForLoop) -> Iterator[Axis | None]:
    """Opens the loop around a loop's tiles, if any of its loads and stores that stand there are wide."""
    axis = loop.variable.axis
    loads, stores = dict(wide_loads(builder, loop)), dict(wide_stores(builder, loop))
    builder.wide |= {op: WideTransfer(axis, positions) for op, positions in loads.items()}
    builder.wide |= {store: WideTransfer(axis, positions) for store, positions in stores.items()}
    inside = [positions for op, positions in loads.items() if not is_hoisted(builder, op)] + list(stores.values())
    if not inside:
        yield None
        return
    wide = wide_axis(builder, axis, max(inside))
    builder.open(wide, parallel=False)
    builder.frames[-1].around = axis
    yield wide
    for store in stores:
        store_row(builder, store)
    builder.close(loop.span)
