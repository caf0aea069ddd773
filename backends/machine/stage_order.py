"""The order of the stages of a pipelined loop's steps. Timing and execution both follow it.

turn 0   stage 0 of step 0
turn 1   stage 0 of step 1, stage 1 of step 0
turn 2   stage 0 of step 2, stage 1 of step 1, stage 2 of step 0

A loop around such a loop may be joined: its steps (0, 1, ..) do not wait until the last stages of the step before are through.
With 2 steps inside and 3 stages:

before 0
stage 0 of (0, 0)
stage 0 of (0, 1), stage 1 of (0, 0)
before 1
stage 0 of (1, 0), stage 1 of (0, 1), stage 2 of (0, 0)
stage 0 of (1, 1), stage 1 of (1, 0), stage 2 of (0, 1)
after 0

No more than two steps are ever begun and not through: the third one waits until the first is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal


def turn_count(steps: int, stages: int) -> int:
    """How many turns all stages of all steps take."""
    return steps + stages - 1 if steps else 0


def in_turn(turn: int, steps: int, stages: int) -> list[tuple[int, int]]:
    """The stages of one turn, in order: the number of the step, and of its stage."""
    return [(turn - stage, stage) for stage in range(max(0, turn - steps + 1), min(stages, turn + 1))]


def in_order(steps: int, stages: int) -> Iterator[tuple[int, int]]:
    """Every stage of every step, in order."""
    for turn in range(turn_count(steps, stages)):
        yield from in_turn(turn, steps, stages)


@dataclass(frozen=True, slots=True)
class Piece:
    """What a joined loop does next: what comes before its inner loop in a step, or after it, or a stage of a step inside."""

    kind: Literal["before", "stage", "after"]
    outer: int
    """The number of the step."""
    inner: int = 0
    """That of the step inside."""
    stage: int = 0


def in_joined_order(counts: Iterable[int], stages: int) -> Iterator[Piece]:
    """The pieces of a joined loop in order; `counts` gives each step's number of steps inside, when that step begins."""
    flying: deque[tuple[int, int, int]] = deque()  # steps inside that are not through, the oldest first, with the next stage
    left: dict[int, int] = {}  # the steps begun, with how many of their steps inside are not through
    for outer, count in enumerate(counts):
        while len(left) > 1:
            yield from _turn(flying, left, stages)
        yield Piece("before", outer)
        left[outer] = count
        yield from _through(left)
        for inner in range(count):
            flying.append((outer, inner, 0))
            yield from _turn(flying, left, stages)
    while flying:
        yield from _turn(flying, left, stages)


def _turn(flying: deque[tuple[int, int, int]], left: dict[int, int], stages: int) -> Iterator[Piece]:
    """The next stage of everything in flight, the newest first."""
    for outer, inner, stage in reversed(tuple(flying)):
        yield Piece("stage", outer, inner, stage)
    for _ in range(len(flying)):
        outer, inner, stage = flying.popleft()
        if stage + 1 < stages:
            flying.append((outer, inner, stage + 1))
        else:
            left[outer] -= 1
    yield from _through(left)


def _through(left: dict[int, int]) -> Iterator[Piece]:
    """The ends of the oldest steps of which nothing is left."""
    while left and left[min(left)] == 0:
        yield Piece("after", min(left))
        del left[min(left)]
