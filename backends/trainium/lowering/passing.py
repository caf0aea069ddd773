"""Which operations cost nothing where they stand, because an instruction that reads them does them in passing.

    exp(x * s + b)       one activation
    x * (w + 1)          one tensor_tensor, which reads w

Moved before a loop, or shared by two readers, such an operation would become an instruction of its own, with a tile to keep.
"""

from __future__ import annotations

from tilery.backends.simplify.rewriter import Body
from tilery.dsl.program import Axis, Call, Elementwise, Op, Value, operands

from .hosted import split
from .layout import grouped
from .select import ALU
from .uses import Uses

AFFINE = frozenset({"add", "sub", "mul"})
"""What an activation does to its operand before the function."""


class Passing:
    """What is known of a body before it is laid out for good: who reads what, and the likely partition axis of each value."""

    def __init__(self, body: Body) -> None:
        self.uses = Uses(body)
        prepared = split(body)
        self._immediates = prepared.immediates
        self._across: dict[Value, Axis | None] = {}
        for group in grouped(prepared):
            self._across |= group.across()

    def is_free(self, op: Op) -> bool:
        """Whether the only reader of an operation, in its own block, does it in passing."""
        reader = self.uses.only_user(op.result)
        return reader is not None and self._takes(reader, op)

    def is_free_everywhere(self, op: Op) -> bool:
        """Whether an operation has several readers in its own block, and each does it in passing."""
        uses = self.uses.of(op.result)
        readers = [use.by for use in uses if isinstance(use.by, Op) and use.block == self.uses.block_of[op.result]]
        alone = len(set(readers)) == len(uses) > 1
        return alone and self._plain(op) and all(self._takes(each, op) and self._plain(each, op) for each in readers)

    def _plain(self, reader: Op, beside: Op | None = None) -> bool:
        """Whether nothing (else) that it reads is done in passing: an instruction has room for one such operation for sure."""
        others = [self.uses.definition.get(each) for each in operands(reader)]
        return not any(each is not None and each is not beside and self._takes(reader, each) for each in others)

    def _takes(self, reader: Op, op: Op) -> bool:
        """Whether an instruction for `reader` can do `op`: arithmetic of a tile with one element a partition."""
        if not isinstance(op, Elementwise) or len(op.operands) != 2 or op.fn not in ALU or self.is_scalar(op.result):
            return False
        if not any(map(self.is_scalar, op.operands)):
            return False
        if isinstance(reader, Call):
            return op.fn in AFFINE
        return isinstance(reader, Elementwise) and reader.fn != "where" and op.fn in (ALU if reader.fn in ALU else AFFINE)

    def is_scalar(self, value: Value) -> bool:
        """Whether a value has at most one element a partition."""
        across = self._across.get(value)
        return value in self._immediates or all(axis == across or axis.unit for axis in value.axes)
