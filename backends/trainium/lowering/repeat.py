"""Fourth pass: what an instruction does in passing stands at every reader, so that none of it takes memory.

near = j <= i                            x = where(j <= i, a, 0)
x = where(near, a, 0)            ->      y = where(j <= i, b, 0)      a select computes a condition on positions itself
y = where(near, b, 0)

zero = zeros[m]                          for k of K carrying a = zeros[m], b = zeros[m]:
for k of K carrying a = zero, b = zero:  ->                              a sum from zeros is begun where it is kept
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import replace

from tilery.backends.simplify.rewriter import Body, Rewriter, like, renamed
from tilery.dsl.program import Call, Elementwise, Fill, ForLoop, Op, Positions, Statement, TileLoop, Value, operands

from ..instructions import OPPOSITE
from .hosted import Hosted
from .passing import Passing

LONGEST = 32
"""Operations of one condition. A longer one is computed once, and selects read it."""
ARITHMETIC = frozenset({"add", "sub", "mul"})
MOST_READERS = 3
"""Selects that compute one condition each for itself, which one engine can. Of more, all read it from memory, on any engine."""


def repeat(body: Body) -> Body:
    """The body with what is done in passing, and what loops begin with, at each reader of its own."""
    return _Repeater(Passing(body)).block(body)


class _Repeater(Rewriter):
    def __init__(self, passing: Passing) -> None:
        super().__init__()
        self._passing = passing
        self._host = Hosted()
        self._ops: dict[Value, Op] = {}

    def op(self, op: Op) -> Iterable[Statement]:
        self._host.takes(op)
        self._ops[op.result] = op
        if isinstance(op, Elementwise) and op.fn == "where":
            return self._select(op)
        if isinstance(op, Elementwise | Call):
            return self._arithmetic(op)
        return (op,)

    def _select(self, op: Elementwise) -> Iterable[Statement]:
        condition, on_true, on_false = op.operands
        if self._passing.uses.only_user(condition) is None and len(self._passing.uses.of(condition)) > MOST_READERS:
            return (op,)
        if (on_true in self._host.ops) == (on_false in self._host.ops):
            return (op,)
        copies = self._copies(condition, {"and" if on_false in self._host.ops else "or", *OPPOSITE})
        if not copies or len(copies) > LONGEST:
            return (op,)
        return (*copies, replace(op, operands=(copies[-1].result, on_true, on_false)))

    def _copies(self, value: Value, able: Set[str]) -> list[Op] | None:
        """A copy of the operations that compute a condition from positions, each with one reader; None if it is none.

        Joined comparisons of sums of positions: what is below a comparison is arithmetic.
        """
        op = self._ops.get(value)
        if isinstance(op, Positions):
            return [_copy(op)]
        if not isinstance(op, Elementwise) or op.fn not in able:
            return None
        inner = ARITHMETIC if op.fn in OPPOSITE else able
        copies: list[Op] = []
        results: list[Value] = []
        for each in op.operands:
            part = [] if each in self._host.ops else self._copies(each, inner)
            if part is None or len(copies) > LONGEST:
                return None
            copies += part
            results.append(part[-1].result if part else each)
        return [*copies, replace(op, result=like(op.result), operands=tuple(results))]

    def _arithmetic(self, op: Elementwise | Call) -> Iterable[Statement]:
        found = {each: self._ops[each] for each in operands(op) if each in self._ops}
        copies = {each: _copy(taken) for each, taken in found.items() if self._passing.is_free_everywhere(taken)}
        if not copies:
            return (op,)
        return (*copies.values(), renamed(op, lambda value: copies[value].result if value in copies else value))

    def loop(self, loop: TileLoop | ForLoop) -> Iterable[Statement]:
        if isinstance(loop, TileLoop):
            return (loop,)
        initial = [self._ops.get(each.initial) for each in loop.carried]
        fills = [_copy(each) if isinstance(each, Fill) else None for each in initial]
        pairs = zip(loop.carried, fills, strict=True)
        carried = tuple(replace(each, initial=fill.result) if fill else each for each, fill in pairs)
        return (*(each for each in fills if each), replace(loop, carried=carried))


def _copy(op: Op) -> Op:
    return replace(op, result=like(op.result))
