"""What reads the old value of a carried column comes as early as it can, so that the new one can be written over it.

for j of L:                                    for j of L:
    new = max(top, max[j](s))                      new = max(top, max[j](s))
    p = exp(s - new)                  ->           fade = exp(top - new)
    fade = exp(top - new)                          p = exp(s - new)
    top = new                                      top = new

An engine runs in order. Before, the copy of `new` to `top` waited for the whole `exp` of the tile, and with it all that comes
after it on its engine: the next step's maximum. A column takes next to no time, so that its coming first delays nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tilery.backends.simplify.rewriter import Body, Rewriter
from tilery.dsl.program import Carried, Cast, Elementwise, ForLoop, Op, Statement, TileLoop, Value, operands

from ..lowering.passing import Passing


def early(body: Body) -> Body:
    """The body with the readers of old columns moved up to where what they need is there."""
    return _Early(Passing(body)).block(body)


class _Early(Rewriter):
    def __init__(self, passing: Passing) -> None:
        super().__init__()
        self._passing = passing

    def loop(self, loop: TileLoop | ForLoop) -> Iterable[Statement]:
        if not isinstance(loop, ForLoop):
            return (loop,)
        moved = self._readers(loop)
        body = _moved_up(loop.body, moved) if moved else loop.body
        return (loop if body == loop.body else replace(loop, body=body),)

    def _readers(self, loop: ForLoop) -> set[Op]:
        """The columns computed from an old column that its new value does not depend on, and what else leads to them alone."""
        found: set[Op] = set()
        for carried in loop.carried:
            if self._passing.is_scalar(carried.argument):
                found |= self._after(carried, loop.body)
        return found

    def _after(self, carried: Carried, body: Body) -> set[Op]:
        leading = _leading_to(carried.updated, body)
        late = {carried.argument}
        found: set[Op] = set()
        for op in body:
            if isinstance(op, Elementwise | Cast) and late & set(operands(op)) and op not in leading and self._is_column(op):
                late.add(op.result)
                found.add(op)
        return found

    def _is_column(self, op: Op) -> bool:
        return all(map(self._passing.is_scalar, (*operands(op), op.result)))


def _leading_to(value: Value, body: Body) -> set[Op]:
    """The operations of a block that a value is computed by."""
    wanted, found = {value}, set[Op]()
    for statement in reversed(body):
        if isinstance(statement, Op) and statement.result in wanted:
            wanted.update(operands(statement))
            found.add(statement)
    return found


def _moved_up(body: Body, moved: set[Op]) -> Body:
    """The statements with some operations directly after the last one that they need; loops and stores are not crossed."""
    order: list[Statement] = []
    for statement in body:
        place = len(order)
        if isinstance(statement, Op) and statement in moved:
            needed = set(operands(statement))
            while place and isinstance(before := order[place - 1], Op) and before.result not in needed:
                place -= 1
        order.insert(place, statement)
    return tuple(order)
