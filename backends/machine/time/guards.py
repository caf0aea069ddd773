"""Which steps of a guarded loop are executed. Execution and timing both ask here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from tilery.backends.numbers.conditions import Condition, condition
from tilery.dsl.program import Guard, Op, Positions, walk

from ..engine_program import EngineProgram, Loop, Node
from ..execute.evaluate import Ranges


def guard_axes(loop: Loop) -> frozenset[str]:
    """Names of the axes whose positions a loop's guard reads."""
    if loop.guard is None:
        return frozenset()
    return frozenset(op.axis.name for op in walk(loop.guard.body) if isinstance(op, Positions))


def inner_guard_axes(body: tuple[Node, ...]) -> frozenset[str]:
    """Names of the axes that any guard in `body` reads, at any depth."""
    loops = [node for node in body if isinstance(node, Loop)]
    return frozenset[str]().union(*(guard_axes(loop) | inner_guard_axes(loop.body) for loop in loops))


def guarded_by(loop: Loop, axis: str) -> tuple[Loop, ...]:
    """The loops inside a loop, at any depth, whose guards read an axis."""
    inside = [node for node in loop.body if isinstance(node, Loop)]
    return tuple(
        each for inner in inside for each in (*((inner,) if axis in guard_axes(inner) else ()), *guarded_by(inner, axis))
    )


def guard_condition(guard: Guard, dims: Mapping[str, int]) -> Condition:
    """The condition of a guarded loop, at some shapes."""
    ops = {op.result: op for op in walk(guard.body) if isinstance(op, Op)}
    found = condition(guard.body[-1].result, ops, dims)
    assert found is not None, "the checker lets only positions, sizes and constants into a guard"
    return found


class Guards:
    """Decides and remembers the steps of guarded loops of one program."""

    def __init__(self, program: EngineProgram) -> None:
        self._program = program
        self._conditions: dict[Loop, Condition] = {}
        self._reads: dict[Loop, frozenset[str]] = {}
        self._known: dict[tuple[object, ...], tuple[int, ...]] = {}

    def reads(self, loop: Loop) -> frozenset[str]:
        """Names of the axes other than its own whose positions a loop's guard reads."""
        if loop not in self._reads:
            self._reads[loop] = guard_axes(loop) - {loop.axis.name}
        return self._reads[loop]

    def steps(self, loop: Loop, ranges: Ranges) -> tuple[int, ...]:
        """Numbers of the steps that are executed; `ranges` are the positions that the loops around it stand at."""
        outer = self.reads(loop)
        key = (loop, *(ranges[name] for name in outer))
        if key not in self._known:
            if loop not in self._conditions:
                assert loop.guard is not None
                self._conditions[loop] = guard_condition(loop.guard, self._program.dims)
            test = self._conditions[loop]
            spans = {name: slice(*ranges[name]) for name in outer}
            steps = enumerate(_steps(self._program.extent(loop.axis), self._program.tile(loop.axis)))
            self._known[key] = tuple(step for step, here in steps if test.anywhere({**spans, loop.axis.name: here}))
        return self._known[key]


@dataclass(frozen=True, slots=True)
class GuardedSteps:
    """A guard with the sizes that decide which steps it lets through."""

    guard: Guard
    tiles: tuple[tuple[str, int, int], ...]
    """The axes that the guard reads: name, extent of the dimension, tile size."""
    dims: Mapping[str, int]
    cores: tuple[int, ...]
    """Among how many cores each axis's steps are divided. Counted is the core that has the last step."""

    def __hash__(self) -> int:
        return hash((id(self.guard), self.tiles, self.cores))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GuardedSteps) or self.guard is not other.guard:
            return False
        return self.tiles == other.tiles and self.dims == other.dims and self.cores == other.cores


@lru_cache(maxsize=4096)
def executed_steps(steps: GuardedSteps) -> Counter[tuple[bool, ...]]:
    """How often a guarded loop's steps are executed over all positions of the loops around it.

    The keys say which of the axes, in the order of `steps.tiles`, stand at their shorter last tile.
    """
    test = guard_condition(steps.guard, steps.dims)
    counts: Counter[tuple[bool, ...]] = Counter()
    sizes = zip(steps.tiles, steps.cores, strict=True)
    for pieces in product(*(_dealt_steps(extent, tile, cores) for (_, extent, tile), cores in sizes)):
        here = {name: piece for (name, _, _), piece in zip(steps.tiles, pieces, strict=True)}
        if test.anywhere(here):
            shorter = (here[name].stop - here[name].start < tile for name, _, tile in steps.tiles)
            counts[tuple(shorter)] += 1
    return counts


def _dealt_steps(extent: int, tile: int, cores: int) -> list[slice]:
    """Every `cores`-th step, the last among them."""
    return _steps(extent, tile)[::-cores][::-1]


def _steps(extent: int, tile: int) -> list[slice]:
    return [slice(start, min(extent, start + tile)) for start in range(0, extent, tile)]
