"""What a loop `by 1` carries is computed without the loop's own axis, instead of being freed of it afterwards.

for s of S by 1:                      for s of S by 1:
    g[d, s] = a[d, s] * h[d]              g[d] = a[d, s] * h[d]
    h[d] = first[s](g[d, s])       ->     h[d] = g[d]

One position is one element: nothing is computed otherwise. Operands keep the axis, and line up by name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from tilery.dsl.program import Cast, Elementwise, ForLoop, Op, Print, Reduce, Statement, Store, TileLoop, Value, operands

from .rewriter import Body, Rewriter


def without_step_axes(body: Body) -> Body:
    """The body with elementwise results that are only freed of axes of extent one computed without these."""
    finder = _Finder()
    finder.look(body)
    return _Dropper(finder.dropped()).block(body)


class _Finder:
    """The values that are freed of axes of extent one, and everything that reads them."""

    def __init__(self) -> None:
        self._made: dict[Value, Op] = {}
        self._readers: dict[Value, list[Statement]] = defaultdict(list)

    def look(self, body: Body) -> None:
        """Notes what every statement makes and reads."""
        for each in body:
            match each:
                case ForLoop() | TileLoop():
                    self.look(each.body)
                case Print():
                    self._readers[each.value].append(each)
                case Store():
                    self._readers[each.value].append(each)
                case Op():
                    self._made[each.result] = each
                    for value in operands(each):
                        self._readers[value].append(each)

    def dropped(self) -> dict[Value, Reduce]:
        """For each value what frees it of its axes."""
        found: dict[Value, Reduce] = {}
        for op in self._made.values():
            if not isinstance(op, Reduce) or op.fn != "first" or not all(axis.unit for axis in op.axes):
                continue
            makes, readers = self._made.get(op.operand), self._readers[op.operand]
            plain = all(isinstance(each, Elementwise | Cast | Store | Reduce) for each in readers)
            if isinstance(makes, Elementwise | Cast) and plain and op.result.dtype == op.operand.dtype:
                found[op.operand] = op
        return found


class _Dropper(Rewriter):
    """Computes these values without the axes, and leaves out what freed them."""

    def __init__(self, dropped: dict[Value, Reduce]) -> None:
        super().__init__()
        self._dropped = dropped
        self._freed = {op.result for op in dropped.values()}

    def op(self, op: Op) -> Iterable[Statement]:
        """An operation with a result of fewer axes, or nothing where its result is there already."""
        freed = self._dropped.get(op.result)
        if freed is not None:
            self.instead(op.result, freed.result)
            return (replace(op, result=freed.result),)
        return () if op.result in self._freed else (op,)
