"""What the host computes before a kernel runs: numbers made of sizes, constants and arguments, `2 * K` or `1 / eps`.

Instructions take them as immediate operands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tilery.backends.simplify.rewriter import Body, Rewriter
from tilery.dsl.program import Call, Cast, Constant, DimensionSize, Elementwise, Op, ScalarArgument, Statement, Value, operands


class Hosted:
    """The operations met so far that the host can do."""

    def __init__(self) -> None:
        self.ops: dict[Value, Op] = {}

    def takes(self, op: Op) -> bool:
        """Whether the host can compute an operation, which it then does."""
        scalar = isinstance(op, Elementwise | Cast | Call) and not op.result.axes
        able = isinstance(op, Constant | DimensionSize | ScalarArgument) or (
            scalar and all(each in self.ops for each in operands(op))
        )
        if able:
            self.ops[op.result] = op
        return able

    def is_one(self, value: Value) -> bool:
        """True for the constant 1."""
        op = self.ops.get(value)
        return isinstance(op, Constant) and op.value == 1


class _Splitter(Rewriter):
    def __init__(self) -> None:
        super().__init__()
        self.host = Hosted()

    def op(self, op: Op) -> Iterable[Statement]:
        return () if self.host.takes(op) else (op,)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A body, and what the host computes before it."""

    body: Body
    host: tuple[Op, ...]

    @property
    def immediates(self) -> frozenset[Value]:
        """The values that the host computes: instructions take them as immediate operands."""
        return frozenset(op.result for op in self.host)


def split(body: Body) -> Prepared:
    """A body without what the host computes, and that."""
    splitter = _Splitter()
    return Prepared(splitter.block(body), tuple(splitter.host.ops.values()))
