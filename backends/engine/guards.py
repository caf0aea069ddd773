"""Which steps of a guarded loop are executed: the one place that decides it, for values and times alike."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...dsl.program import Op, Positions, Value
from .evaluate import Ranges, evaluate
from .program import EngineProgram, Instruction, Loop, Node


def guard_axes(loop: Loop) -> frozenset[str]:
    """Names of the axes whose positions a loop's guard looks at."""
    if loop.guard is None:
        return frozenset()
    return frozenset(op.axis.name for op in loop.guard.body if isinstance(op, Positions))


def inner_guard_axes(body: tuple[Node, ...]) -> frozenset[str]:
    """Names of the axes that any guard in `body` looks at, however deep."""
    found: frozenset[str] = frozenset()
    for node in body:
        if isinstance(node, Loop):
            found |= guard_axes(node) | inner_guard_axes(node.body)
        else:
            assert isinstance(node, Instruction)
    return found


class Guards:
    """Decides and remembers the steps of guarded loops of one program."""

    def __init__(self, program: EngineProgram) -> None:
        self._program = program
        self._known: dict[tuple[object, ...], tuple[int, ...]] = {}

    def steps(self, loop: Loop, ranges: Ranges) -> tuple[int, ...]:
        """Numbers of the steps that are executed, `ranges` giving the positions of the loops around it."""
        outer = sorted(guard_axes(loop) - {loop.axis.name})
        key = (loop, *(ranges[name] for name in outer))
        if key not in self._known:
            self._known[key] = tuple(step for step in range(self._count(loop)) if self._holds(loop, ranges, step))
        return self._known[key]

    def _count(self, loop: Loop) -> int:
        return -(-self._program.extent(loop.axis) // self._program.tile(loop.axis))

    def _holds(self, loop: Loop, ranges: Ranges, step: int) -> bool:
        tile, extent = self._program.tile(loop.axis), self._program.extent(loop.axis)
        here = {**ranges, loop.axis.name: (step * tile, min(extent, (step + 1) * tile))}
        assert loop.guard is not None
        return holds_anywhere(loop.guard.body, here, self._program.dims)


def holds_anywhere(body: tuple[Op, ...], ranges: Ranges, dims: Mapping[str, int]) -> bool:
    """True if the condition that `body` computes is true for some element of the tile at `ranges`."""
    values: dict[Value, np.ndarray] = {}
    for op in body:
        values[op.result] = evaluate(op, values, ranges, dims, {})
    return bool(np.any(values[body[-1].result]))
