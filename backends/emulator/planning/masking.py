"""Where a mask is false, as a few rectangles: most masks of kernels are staircases, and filling their steps is quicker than
copying element by element.

    1 0 0 0 0 0          . # # # # #        . left alone
    1 1 0 0 0 0    ->    . . # # # #        # one rectangle each, filled whole
    1 1 1 0 0 0                             those of a strip that are neither: copied by their part of the mask
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from tilery.backends.numbers.conditions import Condition
from tilery.backends.numbers.intervals import Spans
from tilery.backends.operations.numerics import Array

STRIP = 32
"""Rows looked at together."""
OVERHEAD_BYTES = 512
"""About what one part takes beside its mask."""
MOST_RUNS = 8
"""A strip cut into more parts is copied as one."""


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of the last two axes."""

    rows: slice
    columns: slice
    mask: Array | None
    """Where to write; None: everywhere."""


@dataclass(slots=True)
class FalseParts:
    """The parts of each step in which a condition on positions is false, kept for the next head."""

    condition: Condition
    view: Callable[[Array], Array]
    """Lines a mask up with what is written to."""
    known: dict[tuple[int, ...], list[Part]] = field(default_factory=dict)
    kept_bytes: int = 0

    def parts(self, spans: Spans, shape: tuple[int, ...]) -> list[Part]:
        """Those of an array of this shape."""
        key = self.condition.key(spans)
        found = self.known.get(key)
        if found is None:
            mask = self.view(self.condition.mask(spans))
            found = false_parts(np.broadcast_to(mask, (*mask.shape[:-2], *shape[-2:]) if mask.ndim > 1 else shape[-2:]))
            size_bytes = sum(OVERHEAD_BYTES + (0 if part.mask is None else part.mask.nbytes) for part in found)
            if self.kept_bytes + size_bytes <= self.condition.most_bytes // 2:
                self.known[key] = found
                self.kept_bytes += size_bytes
        return found


def false_parts(mask: Array) -> list[Part]:
    """Rectangles that hold all that is false in a mask of two axes or more."""
    found: list[Part] = []
    for start in range(0, mask.shape[-2], STRIP):
        rows = slice(start, min(start + STRIP, mask.shape[-2]))
        found += _strip(mask[..., rows, :], rows)
    return found


def _strip(mask: Array, rows: slice) -> list[Part]:
    over = tuple(range(mask.ndim - 1))
    some, every = np.any(mask, axis=over), np.all(mask, axis=over)
    kinds: Array = np.add(some, every, dtype=np.int8)  # 0: all false, 1: mixed, 2: all true
    edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), kinds.size]
    if len(edges) > MOST_RUNS + 1:
        return [Part(rows, slice(None), ~mask)]
    runs = [(slice(first, last), int(kinds[first])) for first, last in pairwise(edges) if first < last]
    return [Part(rows, run, ~mask[..., run] if kind else None) for run, kind in runs if kind < 2]


def put(target: Array, number: Array, parts: list[Part]) -> None:
    """Writes one number into the parts of the last two axes."""
    for part in parts:
        place = target[..., part.rows, part.columns]
        if part.mask is None:
            place[...] = number
        else:
            np.copyto(place, number, where=part.mask)
