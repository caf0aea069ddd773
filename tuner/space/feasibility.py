"""Screens the space before anything is timed: which configurations fit the chip, and a lower bound on the latency of each.

It goes structure by structure (`cells`) until a deadline. What was not screened by then is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..deadline import NEVER, Deadline, TimeUp
from ..interrupts import heard, look
from ..model.protocol import Model
from .cells import Bounds, Cells
from .configurations import Indices, Space

STRUCTURES = 4096
"""A space with more structures than this is sampled. A structure costs some milliseconds; the tile sizes in it cost little."""
SAMPLE = 160
"""How many random structures of a larger space are screened first."""
SEEDS, CLIMB = 4, 160
"""Then the neighbours of the best structures are screened: from how many of the best at a time, and how many neighbours."""

Report = Callable[[int, int], None]
"""Called with how many configurations have been screened, and how many there are to screen."""


@dataclass(frozen=True)
class Landscape:
    """The result of screening."""

    space: Space
    screened: int
    """How many configurations were screened."""
    feasible: int
    """How many of them fit the chip."""
    removed: Mapping[str, int]
    """How many of them each limit ruled out. A configuration counts for the first limit that it exceeds."""
    order: Indices
    """The configurations worth timing, best lower bound first: only maximal slots, and one of equal programs."""
    bounds: Bounds
    """Their lower bounds, ascending."""
    cells: Cells = field(repr=False)
    structures: int = 0
    """How many of `space.structure_count` structures were screened."""
    interrupted: bool = False
    """Whether Ctrl-C ended the screening."""

    @property
    def whole(self) -> bool:
        """True if no configuration was left out."""
        return self.screened == self.space.size

    def below(self, latency_us: float) -> int:
        """How many of `order` have a lower bound below `latency_us`. Only these can still be faster."""
        return int(np.searchsorted(self.bounds, latency_us, side="left"))

    def bounds_of(self, indices: Indices) -> Bounds:
        """The lower bounds of configurations, which are screened now if they were not before. Infinite if one does not fit."""
        return np.array([self.cells.bound(int(index)) for index in indices], dtype=np.float64)

    def lifted(self, indices: Indices) -> Indices:
        """The representatives of these configurations: maximal slots, and choices without effect at their first value."""
        found = dict.fromkeys(each for index in indices for each in self.cells.representatives(int(index)))
        return np.fromiter(found, dtype=np.int64, count=len(found))


def survey(
    model: Model,
    space: Space,
    start: int,
    seed: int = 0,
    progress: Report | None = None,
    patience_s: float | None = None,
    deadline: Deadline = NEVER,
    keep_interrupted: bool = False,
) -> Landscape:
    """Screens the whole space. Of a space that is too large it screens a sample of structures, then the neighbours of the best
    of them.

    A space is too large if it has more than `WHOLE` cells or `STRUCTURES` structures, or would take longer than `patience_s`.
    Every sample holds the structure of `start`. `progress` is called with how many configurations are screened, and of how
    many. At the deadline, and with `keep_interrupted` at Ctrl-C too, the landscape so far is returned.
    """
    generator = np.random.default_rng(seed)
    cells = Cells(model, space, generator)
    end = deadline if patience_s is None else deadline.by(patience_s)
    interrupted = False
    try:
        cells.screen(_structure_of(space, start), end)  # without this one there is no answer, so the deadline does not count yet
        with deadline.enforced():
            _screen(cells, start, generator, progress, patience_s, end)
    except TimeUp:
        pass
    except KeyboardInterrupt:
        if not keep_interrupted:
            raise
        heard()
        interrupted = True
    indices, bounds = cells.all()
    # Of equal bounds any may come first.
    sort = np.lexsort((generator.random(len(indices)), bounds))
    return Landscape(
        space,
        cells.screened,
        cells.feasible,
        dict(cells.removed),
        indices[sort],
        bounds[sort],
        cells,
        cells.structures,
        interrupted,
    )


def _screen(
    cells: Cells,
    start: int,
    generator: np.random.Generator,
    progress: Report | None,
    patience_s: float | None,
    end: Deadline,
) -> None:
    space = cells.space
    own = _structure_of(space, start)
    groups = space.groups(generator, STRUCTURES)
    everything = cells.can_be_whole and space.structure_count <= STRUCTURES
    order = np.concatenate([own[None], generator.permutation(groups)])
    if not _screen_all(cells, order if everything else order[:SAMPLE], progress, patience_s, end) or not everything:
        _climb(cells, progress, end)


def _structure_of(space: Space, index: int) -> Indices:
    return np.asarray(space.digits(space.structure_of(np.array([index])))[0])


def _screen_all(cells: Cells, groups: Indices, progress: Report | None, patience_s: float | None, end: Deadline) -> bool:
    """Screens structures. Returns False if it gave up after `SAMPLE` of them or half of the time, because all would take too
    long."""
    begin = time.monotonic()
    for done, group in enumerate(groups):
        look()
        spent_s = time.monotonic() - begin
        enough = done >= SAMPLE or (patience_s is not None and spent_s > patience_s / 2)
        if patience_s is not None and done and enough and spent_s * len(groups) > done * patience_s:
            return False
        if done and (end.over or cells.full):
            return False
        cells.screen(group, end)
        if progress:
            progress(cells.screened, cells.screened * len(groups) // (done + 1))
    return True


def _climb(cells: Cells, progress: Report | None, end: Deadline) -> None:
    """Screens the neighbours of the best structures until there is no new one, or time is up."""
    most, expanded = len(cells.best) + CLIMB, set[int]()
    while best := sorted(cells.best.keys() - expanded, key=lambda each: cells.best[each])[:SEEDS]:
        expanded.update(best)
        around = [other for group in cells.space.digits(np.array(best)) for other in cells.space.structures(group)]
        for other in around:
            look()
            if len(cells.best) >= most or end.over or cells.full:
                return
            cells.screen(other, end)
            if progress:
                progress(cells.screened, cells.screened)
