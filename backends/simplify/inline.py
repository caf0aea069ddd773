"""Puts the body of every call in its place, but for functions that the target knows as one instruction.

y = relu(x):              y' = max(x, 0)
    y' = max(x, 0)   ->
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from tilery.dsl.program import Call, Op, Statement

from .rewriter import Body, Rewriter


def inline(body: Body, known: AbstractSet[str] = frozenset()) -> Body:
    """The body without calls of functions other than `known`."""
    return _Inliner(known).block(body)


class _Inliner(Rewriter):
    def __init__(self, known: AbstractSet[str]) -> None:
        super().__init__()
        self._known = known

    def op(self, op: Op) -> Iterable[Statement]:
        if not isinstance(op, Call) or op.fn in self._known:
            return (op,)
        body = self.block(op.body)
        self.instead(op.result, self.now(op.body[-1].result if op.body else op.operands[0]))
        return body
