"""Pairs of operations that numpy does faster as one.

sum[N](x * x)   ->  dot[N](x, x)                   no product in memory
acc += a @ b    ->  Accumulate(acc, a, b)          the first time without adding to zeros
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tilery.dsl import program
from tilery.dsl.program import Op, Statement, Value


@dataclass(frozen=True, slots=True)
class Accumulate(Op):
    """`total + dot[axes](left, right)`, `total` being what a loop carries and read nowhere else."""

    total: Value
    left: Value
    right: Value
    axes: tuple[program.Axis, ...]


def uses(statement: Statement) -> Counter[Value]:
    """How often a statement reads each value, within loops too (some of which it defines itself)."""
    match statement:
        case Accumulate():
            return Counter([statement.total, statement.left, statement.right])
        case Op():
            return Counter(program.operands(statement))
        case program.Store():
            return Counter([statement.value, *program.index_values(statement.index)])
        case program.TileLoop():
            return total_uses(statement.body)
        case program.ForLoop():
            edges = [value for each in statement.carried for value in (each.initial, each.updated)]
            return total_uses(statement.body) + Counter(edges)
        case _:
            return Counter()


def total_uses(statements: Iterable[Statement]) -> Counter[Value]:
    """How often statements read each value."""
    total: Counter[Value] = Counter()
    for each in statements:
        total.update(uses(each))
    return total


def fuse(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Both rewritings, in every block."""
    return tuple(_block(body, frozenset(), frozenset()))


def _block(statements: Sequence[Statement], arguments: frozenset[Value], kept: frozenset[Value]) -> list[Statement]:
    """`arguments`: what the loop around carries in; `kept`: what it carries on."""
    counts = total_uses(statements) + Counter(kept)
    ops = {each.result: each for each in statements if isinstance(each, Op) and counts[each.result] == 1}
    taken: set[Value] = set()
    result: list[Statement] = []
    for each in statements:
        match each:
            case program.Reduce(fn="sum"):
                each = _contraction(each, ops.get(each.operand), taken)
            case program.Elementwise(fn="add"):
                each = _accumulation(each, [value for value in arguments if counts[value] == 1], ops, taken)
            case program.TileLoop():
                each = replace(each, body=tuple(_block(each.body, frozenset(), frozenset())))
            case program.ForLoop():
                inner = frozenset(one.argument for one in each.carried), frozenset(one.updated for one in each.carried)
                each = replace(each, body=tuple(_block(each.body, *inner)))
        result.append(each)
    return [each for each in result if not (isinstance(each, Op) and each.result in taken)]


def _contraction(reduce: program.Reduce, op: Op | None, taken: set[Value]) -> Op:
    if not (isinstance(op, program.Elementwise) and op.fn == "mul"):
        return reduce
    left, right = op.operands
    both = all(axis in value.axes for axis in reduce.axes for value in op.operands)
    floats = all(value.element.kind == "float" for value in op.operands)
    if not both or not floats:
        return reduce
    taken.add(op.result)
    return program.Dot(reduce.result, left, right, reduce.axes)


def _accumulation(add: program.Elementwise, totals: Sequence[Value], ops: dict[Value, Op], taken: set[Value]) -> Op:
    for total, term in (add.operands, add.operands[::-1]):
        dot = ops.get(term)
        if total in totals and isinstance(dot, program.Dot) and {*total.axes} == {*term.axes} == {*add.result.axes}:
            taken.add(term)
            return Accumulate(add.result, total, dot.left, dot.right, dot.axes)
    return add
