"""Takes out what nothing needs: operations without a reader, values carried for nothing, loops that do nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from ..program import Axis, CountedLoop, ForLoop, If, Op, Print, Statement, Store, TileLoop, Value, index_values, operands


def needed_ops(ops: Sequence[Op], result: Value) -> tuple[Op, ...]:
    """The operations that `result` depends on, in order; the last one defines it."""
    needed, kept = {result}, list[Op]()
    for op in reversed(ops):
        if op.result in needed:
            kept.append(op)
            needed.update(operands(op))
    return tuple(reversed(kept))


def pruned(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """The statements without those that contribute to no store."""
    return _pruned(statements, set())


def silent(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements without those that print."""
    kept: list[Statement] = []
    for each in statements:
        match each:
            case Print():
                continue
            case TileLoop() | ForLoop() | CountedLoop():
                each = dataclasses.replace(each, body=silent(each.body))
            case If():
                each = dataclasses.replace(each, then=silent(each.then), otherwise=silent(each.otherwise))
        kept.append(each)
    return tuple(kept)


def within(statements: Sequence[Statement], axes: AbstractSet[Axis]) -> tuple[Statement, ...]:
    """The statements without loops over axes other than these."""
    kept: list[Statement] = []
    for each in statements:
        match each:
            case TileLoop() if any(variable.axis not in axes for variable in each.variables):
                continue
            case ForLoop() if each.variable.axis not in axes:
                continue
            case TileLoop() | ForLoop():
                each = dataclasses.replace(each, body=within(each.body, axes))
        kept.append(each)
    return tuple(kept)


def _pruned(statements: Sequence[Statement], needed: set[Value]) -> tuple[Statement, ...]:
    """`needed` are the values that what follows reads; those that the statements read are added to it."""
    kept: list[Statement] = []
    for each in reversed(statements):
        if (slim := _slim(each, needed)) is not None:
            kept.append(slim)
    return tuple(reversed(kept))


def _slim(statement: Statement, needed: set[Value]) -> Statement | None:
    match statement:
        case Store():
            needed |= {statement.value, *index_values(statement.index)}
            return statement
        case TileLoop():
            body = _pruned(statement.body, needed)
            return dataclasses.replace(statement, body=body) if body else None
        case ForLoop():
            return _slim_for(statement, needed)
        case If():
            return _slim_if(statement, needed)
        case Print():
            needed.add(statement.value)
            return statement
        case CountedLoop():
            raise AssertionError("counted loops are unrolled in what is pruned")
        case _:
            if statement.result not in needed:
                return None
            needed.update(operands(statement))
            return statement


def _slim_for(loop: ForLoop, needed: set[Value]) -> ForLoop | None:
    """Which carried values live depends on the body, and the body on them: grown until nothing is added."""
    live = {each for each in loop.carried if each.result in needed}
    while True:
        inside = {each.updated for each in live}
        body = _pruned(loop.body, inside)
        grown = live | {each for each in loop.carried if each.argument in inside}
        if grown == live:
            break
        live = grown
    if not body and not live:
        return None
    carried = tuple(each for each in loop.carried if each in live)
    needed |= inside | {each.initial for each in carried}
    if loop.guard:
        needed.update(value for op in loop.guard.body for value in operands(op))
    return dataclasses.replace(loop, body=body, carried=carried)


def _slim_if(node: If, needed: set[Value]) -> If | None:
    merged = tuple(each for each in node.merged if each.result in needed)
    then_needed = needed | {each.then for each in merged}
    else_needed = needed | {each.otherwise for each in merged}
    then, otherwise = _pruned(node.then, then_needed), _pruned(node.otherwise, else_needed)
    if not then and not otherwise and not merged:
        return None
    needed |= then_needed | else_needed
    return dataclasses.replace(node, then=then, otherwise=otherwise, merged=merged)
