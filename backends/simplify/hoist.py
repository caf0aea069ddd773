"""Moves what every step of a loop would compute alike before the loop.

    for n of N:                    t = sum[K](exp(w[m, K]))
        t = sum[K](exp(w[m, K]))   for n of N:
        y[m, n] = x[m, n] * t  ->      y[m, n] = x[m, n] * t

Operations have no effects, so that one may be computed before a loop whose guard leaves every step out. Only a load or a cut at
positions that data choose may fail: it stays, with all that depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from tilery.dsl.program import Cut, ForLoop, Load, LoopVariable, Op, Statement, TileLoop, Value, index_values, operands

from .rewriter import Body, Rewriter, defined

Follows = Callable[[Op], bool]


def hoist(body: Body, follows: Follows = lambda op: False) -> Body:
    """The body with every operation outside of the loops that do not change it.

    One that `follows` is left where it is, unless something that reads it is moved.
    """
    return _Hoister(follows).block(body)


class _Hoister(Rewriter):
    """Inner loops are done first, so that an operation moves out of as many as it can."""

    def __init__(self, follows: Follows) -> None:
        super().__init__()
        self._follows = follows

    def loop(self, loop: TileLoop | ForLoop) -> Iterable[Statement]:
        steady = _steady(loop)
        moved = _moved(steady, self._follows)
        if not moved:
            return (loop,)
        inside = tuple(each for each in loop.body if each not in moved)
        return (*(each for each in steady if each in moved), replace(loop, body=inside))


def _steady(loop: TileLoop | ForLoop) -> list[Op]:
    """The operations in a loop's own block that every step would compute alike, in order."""
    axes = {each.axis.name for each in _variables(loop)}
    changing = {each.argument for each in loop.carried} if isinstance(loop, ForLoop) else set[Value]()
    steady: list[Op] = []
    for each in loop.body:
        if isinstance(each, Op) and not _may_fail(each) and not _changes(each, axes, changing):
            steady.append(each)
        else:
            changing |= defined(each)
    return steady


def _variables(loop: TileLoop | ForLoop) -> tuple[LoopVariable, ...]:
    return loop.variables if isinstance(loop, TileLoop) else (loop.variable,)


def _changes(op: Op, axes: set[str], changing: set[Value]) -> bool:
    return any(axis.name in axes for axis in op.result.axes) or any(each in changing for each in operands(op))


def _may_fail(op: Op) -> bool:
    return isinstance(op, Load | Cut) and op.fill is None and bool(index_values(op.index))


def _moved(steady: Sequence[Op], follows: Follows) -> set[Op]:
    """Those that are moved on their own account, and what they read."""
    moved: set[Op] = set()
    wanted: set[Value] = set()
    for op in reversed(steady):
        if op.result in wanted or not follows(op):
            moved.add(op)
            wanted.update(operands(op))
    return moved
