"""Conditions on positions, as affine_select takes them: one comparison of two affine sums an instruction.

where(j <= i and j > i - W, x, v)      affine_select(j > i - W, affine_select(j <= i, x, v), v)
where(j > i or j <= i - W, v, x)       the same: v stands where one of them holds
where(j <= i or p, x, v)               no chain of them: the condition becomes a tile of truth values
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tilery.backends.machine.engine_program import Compute
from tilery.dsl.program import Elementwise, Op, Positions, Value
from tilery.dsl.types import I32

from ..instructions import OPPOSITE, Affine, AffineSelect, Predicate, Term
from ..lowering.host import Host
from ..lowering.uses import Uses


@dataclass(frozen=True, slots=True)
class Chain:
    """The instructions of one `where`, and the operations of its condition that they take up."""

    instructions: tuple[Compute, ...]
    ops: tuple[Op, ...]


class Predicates:
    """Reads conditions on positions."""

    def __init__(self, uses: Uses, host: Host) -> None:
        self._uses = uses
        self._host = host

    def chain(self, op: Elementwise) -> Chain | None:
        """The affine selects that carry out a `where`; None: its condition is another one, or it chooses between two tiles."""
        condition, on_true, on_false = op.operands
        ops: list[Op] = []
        if on_false in self._host.values and on_true not in self._host.values:
            tile, otherwise, found = on_true, on_false, self._all(condition, op, "and", ops)
        elif on_true in self._host.values and on_false not in self._host.values:
            tile, otherwise, found = on_false, on_true, self._all(condition, op, "or", ops)
            found = found and [replace(each, fn=OPPOSITE[each.fn]) for each in found]
        else:
            return None
        if not found:
            return None
        selects = []
        for each in found:
            selects.append(AffineSelect(op.result.axes, each, tile, otherwise, op.result))
            tile = op.result
        return Chain(tuple(selects), tuple(dict.fromkeys(ops)))

    def _all(self, value: Value, user: Op, joint: str, ops: list[Op]) -> list[Predicate] | None:
        """The comparisons that `joint` (and, or) joins to a condition; what they are computed by goes to `ops`."""
        op = self._taken(value, user)
        if op is None:
            return None
        if op.fn == joint:
            parts = [self._all(each, op, joint, ops) for each in op.operands]
            ops.append(op)
            return None if any(part is None for part in parts) else [each for part in parts if part for each in part]
        if op.fn not in OPPOSITE:
            return None
        left, right = (self._sum(each, op, ops) for each in op.operands)
        ops.append(op)
        if left is None or right is None or not any(term.axis for term in (*left, *right)):
            return None
        return [Predicate(op.fn, left, right)]

    def _sum(self, value: Value, user: Op, ops: list[Op]) -> Affine | None:
        """A whole number that is affine in positions."""
        if value.element != I32:
            return None
        if value in self._host.values:
            return (Term(1, None, (value,)),)
        definition = self._uses.definition.get(value)
        if isinstance(definition, Positions):
            same_block = {self._uses.block_of[value]} == {use.block for use in self._uses.of(value)}
            if same_block and len(self._uses.of(value)) == 1:
                ops.append(definition)
            return (Term(1, definition.axis),) if same_block else None
        op = self._taken(value, user)
        if op is None or op.fn not in ("add", "sub", "mul"):
            return None
        left, right = (self._sum(each, op, ops) for each in op.operands)
        if left is None or right is None:
            return None
        ops.append(op)
        return _product(left, right) if op.fn == "mul" else (*left, *(_signed(each, op.fn) for each in right))

    def _taken(self, value: Value, user: Op) -> Elementwise | None:
        """The operation that computes a value, if `user` alone reads it."""
        op = self._uses.definition.get(value)
        return op if isinstance(op, Elementwise) and self._uses.only_user(value) is user else None


def _signed(term: Term, fn: str) -> Term:
    return replace(term, sign=-term.sign) if fn == "sub" else term


def _product(left: Affine, right: Affine) -> Affine | None:
    """The product of two sums, one of which is a single number."""
    for sums, numbers in ((left, right), (right, left)):
        if len(numbers) == 1 and numbers[0].axis is None:
            (number,) = numbers
            return tuple(Term(each.sign * number.sign, each.axis, (*each.factors, *number.factors)) for each in sums)
    return None
