"""The walk of a joined loop: its steps follow one another without a pause, in the order that `stage_order` gives.

What is in flight is kept here: the steps inside that are not through, each with the instances of buffers that it means. While
all of it belongs to one step and the turns are alike, the walk may jump; and it may jump over whole steps as soon as what is
in flight between two of them is as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .resolving import Repeat, ResolvedStage, Step

if TYPE_CHECKING:
    from .timing import Walk


@dataclass(slots=True, eq=False)
class _Outer:
    """A step that has begun and is not through."""

    number: int
    stage: ResolvedStage
    after: tuple[Step, ...]
    left: int = 0
    """How many of the steps inside that it has begun are not through."""
    open: bool = True
    """Whether it has more of them to begin."""


@dataclass(slots=True, eq=False)
class _Flight:
    """A step inside that is not through, with the number of its next stage."""

    outer: _Outer
    stages: tuple[ResolvedStage, ...]
    next: int = 0


class Joined:
    """The steps in flight of one joined loop."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._begun = 0
        self._outer: list[_Outer] = []
        self._flying: list[_Flight] = []  # the oldest first

    @property
    def shape(self) -> tuple[tuple[int, int], ...]:
        """What is in flight, whatever the numbers of the steps are."""
        return tuple((self._begun - each.outer.number, each.next) for each in self._flying)

    def step(self, stage: ResolvedStage) -> None:
        """Begins a step: what comes before the loop inside, and a turn for each of that loop's steps."""
        while len(self._outer) > 1:
            self._turn()
        before, inner, after = _parts(stage)
        full, tail = self._walk.counts(inner)
        self._begun += 1
        outer = _Outer(self._begun, stage, after)
        for buffer in stage.allocates:
            self._walk._which[buffer] = -1
        self._walk._stage(ResolvedStage(stage.allocates, before))
        self._outer.append(outer)
        alone = len(inner.full) - 1
        done = 0
        while done < full and not self._steady(outer, alone):
            self._turn(_Flight(outer, inner.full))
            done += 1
        if done < full:
            self._walk._some(inner, full - done, lambda: self._turn(_Flight(outer, inner.full)))
        if tail:
            assert inner.tail is not None
            self._turn(_Flight(outer, inner.tail))
        outer.open = False
        self._through()

    def finish(self) -> None:
        """Walks what is left of all steps."""
        while self._flying:
            self._turn()

    def _steady(self, outer: _Outer, count: int) -> bool:
        """Whether a turn of this step finds and leaves the same in flight."""
        ages = [each.next for each in self._flying]
        return self._flying == [each for each in self._flying if each.outer is outer] and ages == list(range(count, 0, -1))

    def _turn(self, new: _Flight | None = None) -> None:
        """Walks the next stage of everything in flight, the newest first."""
        if new is not None:
            self._flying.append(new)
            new.outer.left += 1
        for place in reversed(range(len(self._flying))):
            flight = self._flying[place]
            self._aim(flight, self._flying[place + 1 :])
            self._walk._stage(flight.stages[flight.next])
            flight.next += 1
        for flight in self._flying:
            for stage in flight.stages:
                self._latest(stage.allocates)
            self._latest(flight.outer.stage.allocates)
        through = [each for each in self._flying if each.next == len(each.stages)]
        self._flying = [each for each in self._flying if each.next < len(each.stages)]
        for flight in through:
            flight.outer.left -= 1
        self._through()

    def _aim(self, flight: _Flight, newer: list[_Flight]) -> None:
        """Lets every buffer stand for the instance of this step."""
        which = self._walk._which
        for buffer in flight.outer.stage.allocates:
            which[buffer] = flight.outer.number - self._begun - 1
        for number, stage in enumerate(flight.stages[: flight.next]):
            since = sum(each.next > number for each in newer)
            for buffer in stage.allocates:
                which[buffer] = -1 - since
        self._latest(flight.stages[flight.next].allocates)

    def _latest(self, buffers: tuple[int, ...]) -> None:
        for buffer in buffers:
            self._walk._which[buffer] = -1

    def _through(self) -> None:
        """Walks the ends of the oldest steps of which nothing is left inside."""
        while self._outer and not self._outer[0].left and not self._outer[0].open:
            outer = self._outer.pop(0)
            for buffer in outer.stage.allocates:
                self._walk._which[buffer] = outer.number - self._begun - 1
            self._walk._body(outer.after)
            self._latest(outer.stage.allocates)


def _parts(stage: ResolvedStage) -> tuple[tuple[Step, ...], Repeat, tuple[Step, ...]]:
    """What comes before the pipelined loop inside, that loop, and what comes after."""
    places = [place for place, each in enumerate(stage.steps) if isinstance(each, Repeat) and each.loop.limit is None]
    (place,) = places
    inner = stage.steps[place]
    assert isinstance(inner, Repeat)
    return stage.steps[:place], inner, stage.steps[place + 1 :]
