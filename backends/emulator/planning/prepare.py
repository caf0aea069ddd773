"""The program as the emulator runs it: calls opened up, the same load made once, sums of products made contractions, and
nothing computed in a loop that the loop does not change.

    for j of L:                          q' = q[h, i, D]
        s = q[h, i, D] @ k[h, j, D]  ->  for j of L:
                                             s = q' @ k[h, j, D]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tilery.dsl import program
from tilery.dsl.program import Op, Statement, Value

from .fuse import fused

Renaming = dict[Value, Value]


def prepare(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The same program, ready to be lowered: without `Call`s, repeated loads, and loop-invariant ops."""
    return tuple(fused(_hoisted(_merged(_inlined(statements), {}, {}))))


def renamed(statement: Statement, names: Mapping[Value, Value]) -> Statement:
    """`statement` reading `names[v]` where it read `v`; loops are entered."""

    def new(value: Value) -> Value:
        return names.get(value, value)

    result: Statement
    match statement:
        case program.Elementwise():
            result = replace(statement, operands=tuple(new(each) for each in statement.operands))
        case program.Call():
            body = (renamed(each, names) for each in statement.body)
            inner = tuple(each for each in body if isinstance(each, Op))
            result = replace(statement, operands=tuple(new(each) for each in statement.operands), body=inner)
        case program.Cast() | program.Fill() | program.Reduce() | program.Scan():
            result = replace(statement, operand=new(statement.operand))
        case program.Dot():
            result = replace(statement, left=new(statement.left), right=new(statement.right))
        case program.Store():
            result = replace(statement, value=new(statement.value), index=_renamed_index(statement.index, names))
        case program.Load():
            result = replace(statement, index=_renamed_index(statement.index, names))
        case program.TileLoop():
            result = replace(statement, body=tuple(renamed(each, names) for each in statement.body))
        case program.ForLoop():
            carried = tuple(replace(each, initial=new(each.initial), updated=new(each.updated)) for each in statement.carried)
            steps = tuple(renamed(each, names) for each in statement.body)
            result = replace(statement, carried=carried, body=steps)
        case _:
            result = statement
    return result


def _renamed_index(index: tuple[program.Index, ...], names: Mapping[Value, Value]) -> tuple[program.Index, ...]:
    if not any(value in names for value in program.index_values(index)):
        return index
    return tuple(
        program.GatherIndex(names.get(each.value, each.value)) if isinstance(each, program.GatherIndex) else each
        for each in index
    )


def _inlined(statements: Iterable[Statement]) -> list[Statement]:
    """Each call's body in its place, and the call's value called what the body's last value is."""
    result: list[Statement] = []
    names: Renaming = {}
    for each in statements:
        each = renamed(each, names)
        match each:
            case program.Call():
                body = _inlined(each.body)
                result += body
                last = body[-1]
                assert isinstance(last, Op)
                names[each.result] = last.result
            case program.TileLoop():
                result.append(replace(each, body=tuple(_inlined(each.body))))
            case program.ForLoop():
                result.append(_inlined_loop(each))
            case _:
                result.append(each)
    return result


def _inlined_loop(loop: program.ForLoop) -> program.ForLoop:
    """A loop whose carried names may be left by a call: the last op's value takes the call's name everywhere."""
    closing: Renaming = {}
    for each in loop.body:
        if isinstance(each, program.Call):
            closing[each.result] = _last(each)
    carried = tuple(replace(each, updated=closing.get(each.updated, each.updated)) for each in loop.carried)
    return replace(loop, carried=carried, body=tuple(_inlined(loop.body)))


def _last(call: program.Call) -> Value:
    last = call.body[-1]
    return _last(last) if isinstance(last, program.Call) else last.result


def _merged(statements: Iterable[Statement], seen: Mapping[object, Value], names: Renaming) -> list[Statement]:
    """Loads of the same part of the same tensor, made once. (No kernel reads what it writes, so none goes stale.)"""
    known = dict(seen)
    result: list[Statement] = []
    for each in statements:
        each = renamed(each, names)
        key = _key(each)
        if key is not None and isinstance(each, Op):
            if key in known:
                names[each.result] = known[key]
                continue
            known[key] = each.result
        if isinstance(each, program.TileLoop):
            each = replace(each, body=tuple(_merged(each.body, known, names)))
        elif isinstance(each, program.ForLoop):
            body = tuple(_merged(each.body, known, names))
            carried = tuple(replace(one, updated=names.get(one.updated, one.updated)) for one in each.carried)
            each = replace(each, body=body, carried=carried)
        result.append(each)
    return result


def _key(statement: Statement) -> object | None:
    match statement:
        case program.Load():
            return (statement.tensor.name, statement.index, statement.fill)
        case program.Positions():
            return statement.axis.name
        case _:
            return None


def _hoisted(statements: Iterable[Statement]) -> list[Statement]:
    result: list[Statement] = []
    for each in statements:
        match each:
            case program.TileLoop():
                axes = {variable.axis.name for variable in each.variables}
                outside, body = _split(_hoisted(each.body), axes, set())
                result += [*outside, replace(each, body=tuple(body))]
            case program.ForLoop():
                arguments = {one.argument for one in each.carried}
                outside, body = _split(_hoisted(each.body), {each.variable.axis.name}, arguments)
                result += [*outside, replace(each, body=tuple(body))]
            case _:
                result.append(each)
    return result


def _split(body: Sequence[Statement], axes: set[str], changing: set[Value]) -> tuple[list[Statement], list[Statement]]:
    """The ops of a loop's body that every step would compute alike, and the rest."""
    outside: list[Statement] = []
    inside: list[Statement] = []
    for each in body:
        if isinstance(each, Op) and not _changes(each, axes, changing):
            outside.append(each)
            continue
        inside.append(each)
        changing |= defined(each)
    return outside, inside


def _changes(op: Op, axes: set[str], changing: set[Value]) -> bool:
    return any(axis.name in axes for axis in op.result.axes) or any(each in changing for each in program.operands(op))


def defined(statement: Statement) -> set[Value]:
    """The values that a statement leaves to those after it."""
    match statement:
        case Op():
            return {statement.result}
        case program.ForLoop():
            return {each.result for each in statement.carried}
        case _:
            return set()
