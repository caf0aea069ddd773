"""Which operations and statements read each value; fusion, layout and buffers ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tilery.dsl.program import Carried, ForLoop, Op, Print, Statement, Store, TileLoop, Value, index_values, operands

Block = int
"""A block of statements, by number: 0 is the outermost."""


@dataclass(frozen=True, slots=True)
class Use:
    """One reading of a value."""

    by: Op | Store | Carried | Print
    block: Block


class Uses:
    """Readers and definitions of every value of a prepared body."""

    def __init__(self, body: tuple[Statement, ...]) -> None:
        self.users: dict[Value, list[Use]] = {}
        self.definition: dict[Value, Op] = {}
        self.block_of: dict[Value, Block] = {}
        self._count = 0
        self._visit(body)

    def of(self, value: Value) -> list[Use]:
        """The readings of a value, in order."""
        return self.users.get(value, [])

    def changing(self, value: Value) -> list[Use]:
        """The readings of a value, prints left out."""
        return [use for use in self.of(value) if not isinstance(use.by, Print)]

    def only_user(self, value: Value) -> Op | None:
        """The one operation in the value's own block that reads it, if nothing else does."""
        users = self.of(value)
        if len(users) != 1 or not isinstance(users[0].by, Op):
            return None
        return users[0].by if users[0].block == self.block_of.get(value) else None

    def _visit(self, body: Iterable[Statement]) -> None:
        block = self._count
        self._count += 1
        for statement in body:
            match statement:
                case TileLoop():
                    self._visit(statement.body)
                case ForLoop():
                    self._loop(statement, block)
                case Store():
                    for value in (statement.value, *index_values(statement.index)):
                        self._use(value, statement, block)
                case Print():
                    self._use(statement.value, statement, block)
                case Op():
                    self.definition[statement.result] = statement
                    self.block_of[statement.result] = block
                    for value in operands(statement):
                        self._use(value, statement, block)

    def _loop(self, loop: ForLoop, block: Block) -> None:
        inner = self._count
        for carried in loop.carried:
            self._use(carried.initial, carried, block)
            self.block_of[carried.argument] = inner
            self.block_of[carried.result] = block
        self._visit(loop.body)
        for carried in loop.carried:
            self._use(carried.updated, carried, inner)

    def _use(self, value: Value, by: Op | Store | Carried | Print, block: Block) -> None:
        self.users.setdefault(value, []).append(Use(by, block))


def ops(body: Iterable[Statement]) -> Iterator[Op]:
    """Every operation, loops entered, calls not."""
    for statement in body:
        if isinstance(statement, TileLoop | ForLoop):
            yield from ops(statement.body)
        elif isinstance(statement, Op):
            yield statement


def statements(body: Iterable[Statement]) -> Iterator[Statement]:
    """Every statement, loops entered, calls not."""
    for statement in body:
        yield statement
        if isinstance(statement, TileLoop | ForLoop):
            yield from statements(statement.body)
