"""The walk over a program that every pass is made of: in order, with values that were replaced renamed in all that follows.

A pass overrides what it is about: `op` for operations, `store`, `loop`, or `block` for what it knows within one block only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from tilery.dsl.program import (
    Call,
    Carried,
    Cast,
    CountedLoop,
    Cut,
    Dot,
    Elementwise,
    Fill,
    ForLoop,
    GatherIndex,
    If,
    Index,
    Insert,
    Load,
    Op,
    Print,
    Reduce,
    Scan,
    Statement,
    Store,
    TileLoop,
    Value,
    index_values,
    operands,
)

Body = tuple[Statement, ...]
Renaming = Callable[[Value], Value]


class Rewriter:
    """Gives every statement back as it is, but for the names of values that were replaced. What does not change stays the same
    object."""

    def __init__(self) -> None:
        self._instead: dict[Value, Value] = {}

    def instead(self, old: Value, new: Value) -> None:
        """What reads `old` further on reads `new`."""
        self._instead[old] = new

    def now(self, value: Value) -> Value:
        """What is read in place of a value."""
        while value in self._instead:
            value = self._instead[value]
        return value

    def block(self, statements: Iterable[Statement]) -> Body:
        """The statements of a block, rewritten."""
        return tuple(each for statement in statements for each in self.statement(statement))

    def statement(self, statement: Statement) -> Iterable[Statement]:
        """What stands in the place of a statement."""
        match statement:
            case Store():
                return self.store(self._renamed_store(statement))
            case Print():
                value = self.now(statement.value)
                return (statement if value is statement.value else replace(statement, value=value),)
            case TileLoop():
                body = self.block(statement.body)
                return self.loop(statement if body == statement.body else replace(statement, body=body))
            case ForLoop():
                return self.loop(self._steps(statement))
            case If() | CountedLoop():
                raise AssertionError("a specialised kernel has no undecided if and no counted loop")
            case _:
                return self.op(renamed(statement, self.now))

    def _renamed_store(self, store: Store) -> Store:
        value, index = self.now(store.value), renamed_index(store.index, self.now)
        same = value is store.value and index is store.index
        return store if same else replace(store, value=value, index=index)

    def _steps(self, loop: ForLoop) -> ForLoop:
        """A loop with its body rewritten, which may replace what the body leaves to the next step."""
        initial = [self.now(each.initial) for each in loop.carried]
        body = self.block(loop.body)
        carried = tuple(
            Carried(first, each.argument, self.now(each.updated), each.result)
            for first, each in zip(initial, loop.carried, strict=True)
        )
        same = body == loop.body and carried == loop.carried
        return loop if same else replace(loop, carried=carried, body=body)

    def op(self, op: Op) -> Iterable[Statement]:
        """What stands in the place of an operation."""
        return (op,)

    def store(self, store: Store) -> Iterable[Statement]:
        """What stands in the place of a store."""
        return (store,)

    def loop(self, loop: TileLoop | ForLoop) -> Iterable[Statement]:
        """What stands in the place of a loop whose body has been rewritten."""
        return (loop,)


def renamed(op: Op, now: Renaming) -> Op:
    """The operation with its operands replaced; the very same if none is."""
    if not isinstance(op, Call) and all(now(each) is each for each in operands(op)):
        return op
    match op:
        case Elementwise() | Scan():
            return replace(op, operands=tuple(now(each) for each in op.operands))
        case Call():
            body = tuple(renamed(each, now) for each in op.body)
            return replace(op, operands=tuple(now(each) for each in op.operands), body=body)
        case Cast() | Fill() | Reduce():
            return replace(op, operand=now(op.operand))
        case Load(index=index) if index_values(index):
            return replace(op, index=renamed_index(index, now))
        case Cut():
            return replace(op, tile=now(op.tile), index=renamed_index(op.index, now))
        case Insert():
            return replace(op, tile=now(op.tile), index=renamed_index(op.index, now), value=now(op.value))
        case Dot():
            return replace(op, left=now(op.left), right=now(op.right))
        case _:
            return op


def renamed_index(index: tuple[Index, ...], now: Renaming) -> tuple[Index, ...]:
    """The index with the values that choose positions replaced."""
    if all(now(each) is each for each in index_values(index)):
        return index
    return tuple(GatherIndex(now(each.value)) if isinstance(each, GatherIndex) else each for each in index)


def like(value: Value) -> Value:
    """A new value like this one."""
    return Value(value.name, value.axes, value.dtype, value.span)


def defined(statement: Statement) -> set[Value]:
    """The values that a statement leaves to those after it."""
    match statement:
        case Op():
            return {statement.result}
        case ForLoop():
            return {each.result for each in statement.carried}
        case _:
            return set()
