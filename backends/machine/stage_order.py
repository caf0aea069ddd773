"""The order of the stages of a pipelined loop's steps. Timing and execution both follow it.

turn 0   stage 0 of step 0
turn 1   stage 0 of step 1, stage 1 of step 0
turn 2   stage 0 of step 2, stage 1 of step 1, stage 2 of step 0
"""

from __future__ import annotations

from collections.abc import Iterator


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
