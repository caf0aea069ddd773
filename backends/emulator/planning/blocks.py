"""Blocks of statements and loops, lowered to lists of steps.

A loop's body is lowered once for every combination of extents that its steps can have: the full step and the ragged last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product, repeat
from math import inf, prod
from types import MappingProxyType

from tilery.backends.numbers.conditions import Condition, condition
from tilery.backends.simplify.rewriter import defined
from tilery.dsl import program
from tilery.dsl.program import Op, Statement, Value

from .. import steps
from ..frame import Frame, Step
from . import computing as operations
from . import contractions, held, placed
from .allocation import Scope
from .carrying import Carrying
from .fuse import Accumulate, uses
from .survey import store_targets

NOTHING: frozenset[Value] = frozenset()


def lower_block(
    statements: Sequence[Statement],
    scope: Scope,
    arguments: frozenset[Value] = NOTHING,
    kept: frozenset[Value] = NOTHING,
    before: Mapping[Statement, Sequence[Step]] = MappingProxyType({}),
) -> None:
    """Lowers statements in order, giving buffers back after their last use.

    `arguments` are what a loop carries into this block, `kept` what it carries on, and so outlives it. `before` has steps that
    come before a statement.
    """
    statements = [each for each in statements if not (isinstance(each, Op) and each.result in scope.shared.lazy)]
    scope.targets = store_targets(statements, kept)
    last: dict[Value, float] = {}
    for number, each in enumerate(statements):
        last |= dict.fromkeys(defined(each) | set(uses(each)), number)
    last |= dict.fromkeys(kept, inf)
    scope.copied = held.copied(statements, last)
    mine = arguments.union(*(defined(each) for each in statements))
    for number, each in enumerate(statements):
        ending = {value for value in defined(each) | set(uses(each)) if last[value] == number and value in mine}
        scope.dying = frozenset(ending - defined(each))
        scope.steps += before.get(each, ())
        _lower_statement(each, scope)
        for value in ending:
            scope.release(value)


def _lower_statement(statement: Statement, scope: Scope) -> None:
    match statement:
        case Accumulate():
            contractions.accumulate(statement, scope)
        case Op():
            operations.lower(statement, scope)
        case program.Store():
            _store(statement, scope)
        case program.TileLoop():
            scope.steps.append(_tile_loop(statement, scope))
        case program.ForLoop():
            _for_loop(statement, scope)
        case _:
            raise AssertionError(f"the emulator knows no {type(statement).__name__}")


def _store(store: program.Store, scope: Scope) -> None:
    if not placed.is_plain(store.index):
        placed.store(store, scope)
        return
    value = scope.tiles[store.value]
    if value.storage is not None and value.storage < 0 and scope.targets.get(store.value) is store:
        return  # it has been computed right there
    slot = scope.view(value, scope.physical(program.index_axes(store.index)))
    name, parts, t = store.tensor.name, scope.parts(store.index), store.tensor.element
    folded = store.accumulate
    scope.steps.append(steps.accumulate(name, parts, t, slot, store.fn) if folded else steps.store(name, parts, t, slot))


def _cuts(variable: program.LoopVariable, scope: Scope) -> list[slice]:
    """The steps of an axis; of one that cuts another's tile, counted from where that tile begins."""
    parent = variable.axis.parent
    extent = scope.extents[parent] if parent else program.size_value(variable.axis.size, scope.shared.dims)
    return steps.cuts(extent, scope.shared.sizes[variable.axis.name])


def _moved(part: slice, parent: str | None, frame: Frame) -> slice:
    """The positions of a step."""
    if parent is None:
        return part
    begin = frame.spans[parent].start
    return slice(begin + part.start, begin + part.stop)


def _extents(parts: Sequence[slice]) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in parts)


def _tile_loop(loop: program.TileLoop, scope: Scope) -> Step:
    names = [each.axis.name for each in loop.variables]
    parents = [each.axis.parent for each in loop.variables]
    nested = any(parents)
    parts = [_cuts(each, scope) for each in loop.variables]
    variants: dict[tuple[int, ...], list[Step]] = {}
    for extents in product(*(dict.fromkeys(part.stop - part.start for part in each) for each in parts)):
        inner = scope.inner(dict(zip(names, extents, strict=True)))
        lower_block(loop.body, inner)
        variants[extents] = inner.steps
    count = prod(len(each) for each in parts)

    shared = loop is scope.shared.shared_loop

    def run(frame: Frame) -> None:
        for number in frame.numbers if shared else range(count):
            if number >= count:
                break
            here = _numbered(parts, number)
            frame.spans.update(zip(names, here if not nested else map(_moved, here, parents, repeat(frame)), strict=True))
            for step in variants[_extents(here)]:
                step(frame)

    return run


def _numbered(parts: Sequence[Sequence[slice]], number: int) -> list[slice]:
    """The step with this number, the last axis running fastest."""
    here: list[slice] = []
    for each in reversed(parts):
        number, place = divmod(number, len(each))
        here.append(each[place])
    return here[::-1]


def _for_loop(loop: program.ForLoop, scope: Scope) -> None:
    name = loop.variable.axis.name
    parts = _cuts(loop.variable, scope)
    carrying = Carrying(loop, scope)
    carrying.begin()
    variants: dict[int, list[Step]] = {}
    for extent in dict.fromkeys(part.stop - part.start for part in parts):
        inner = scope.inner({name: extent})
        carrying.enter(inner)
        lower_block(loop.body, inner, frozenset(carrying.arguments), frozenset(carrying.updated))
        carrying.leave(inner)
        variants[extent] = inner.steps
    body = [(part, variants[part.stop - part.start]) for part in parts]
    scope.steps.append(_stepping(loop.variable.axis, body, _guard(loop, scope)))
    carrying.end()


def _guard(loop: program.ForLoop, scope: Scope) -> Condition | None:
    if loop.guard is None:
        return None
    ops: Mapping[Value, Op] = {**scope.shared.ops, **{each.result: each for each in loop.guard.body}}
    return condition(loop.guard.body[-1].result, ops, scope.shared.dims, scope.shared.mask_bytes)


def _stepping(axis: program.Axis, body: Sequence[tuple[slice, list[Step]]], guard: Condition | None) -> Step:
    name, parent = axis.name, axis.parent

    def run(frame: Frame) -> None:
        spans = frame.spans
        for part, body_steps in body:
            spans[name] = _moved(part, parent, frame)
            if guard is None or guard.anywhere(spans):
                for step in body_steps:
                    step(frame)

    return run
