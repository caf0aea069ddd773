"""Loops and blocks: the order of tile loops, and the buffers that `for` loops carry, updated in place where that is safe."""

from __future__ import annotations

from itertools import permutations

from tilery.backends.machine.engine_program import Buffer, Node, Observe
from tilery.backends.machine.errors import CannotLower
from tilery.dsl.program import (
    Carried,
    Cut,
    Dot,
    Fill,
    ForLoop,
    Insert,
    Load,
    LoopVariable,
    Op,
    Print,
    Reduce,
    Statement,
    Store,
    TileLoop,
    Unwritten,
)

from ..parts.aliases import others_in
from ..parts.cut import cut
from ..parts.insert import insert
from ..phases.waiting import Barriers
from ..reductions.partitions import reduce_across
from ..runs.reduce import reduce_runs
from ..wide.wide_steps import wide_steps
from .builder import Builder
from .computes import compute, fill, store
from .dots import begin_sum, dot, running_sums
from .loads import load
from .transposes import copy


def block(builder: Builder, body: tuple[Statement, ...]) -> None:
    """The statements of one block, in order."""
    groups = builder.selector.groups(body)
    waiting: list[Print] = []
    barriers = Barriers(builder) if len(builder.frames) == 1 else None
    for statement in body:
        if barriers is not None:
            barriers.before(statement)
        match statement:
            case Print():
                waiting.append(statement)
            case TileLoop():
                _tile_loop(builder, statement)
            case ForLoop():
                _for_loop(builder, statement)
            case Store():
                store(builder, statement)
            case Load():
                load(builder, statement)
            case Dot():
                dot(builder, statement)
            case Cut():
                cut(builder, statement)
            case Insert():
                insert(builder, statement)
            case Reduce() if statement in groups and groups[statement].form == "reduce runs":
                reduce_runs(builder, statement)
            case Reduce() if statement in groups and groups[statement].form == "reduce across":
                reduce_across(builder, statement)
            case Op() if statement in groups:
                compute(builder, groups[statement])
            case _:
                pass  # another operation's instruction has taken it up
        while waiting and _observed(builder, waiting[0]):
            waiting.pop(0)
    assert not waiting, f"nothing holds {waiting[0].what}, which is to be printed"


def _observed(builder: Builder, statement: Print) -> bool:
    """Emits a print once its value has a buffer. The instruction that computes it may come later than in the text."""
    value = statement.value
    home = builder.home.get(value)
    if home is None and value not in builder.host.values:
        return False
    reads = (home,) if home else ()
    builder.emit(f"print {statement.what}", "print", "print", Observe(statement, home), reads, (), statement.span)
    builder.done.add(statement)
    return True


def _tile_loop(builder: Builder, loop: TileLoop) -> None:
    for variable in _ordered(builder, loop.variables):
        builder.open(variable.axis)
    block(builder, loop.body)
    for _ in loop.variables:
        builder.close(loop.span)


def _ordered(builder: Builder, variables: tuple[LoopVariable, ...]) -> tuple[LoopVariable, ...]:
    """The variables, outermost first; their order is a knob. Those `by 1` stay outermost: another order would only cost reuse."""
    long = {each.axis.name: each for each in variables if not each.axis.unit}
    orders = tuple(" ".join(each) for each in permutations(long))
    reason = "independent loops may be nested in any order, outermost first"
    chosen = str(builder.choices.pick(f"order.{'.'.join(long)}", orders, reason)) if len(long) > 1 else " ".join(long)
    unit = [each for each in variables if each.axis.unit]
    return (*unit, *(long[name] for name in chosen.split()))


def _for_loop(builder: Builder, loop: ForLoop) -> None:
    sums = running_sums(builder, loop)
    for carried in loop.carried:
        if carried in sums:
            begin_sum(builder, carried, sums[carried])
        else:
            builder.home[carried.argument] = _begin(builder, carried)
        builder.begun.add(carried)
    others = [each for each in loop.carried if each not in sums]
    builder.carrying |= {each.updated: each for each in others}
    with wide_steps(builder, loop) as step:
        builder.open(loop.variable.axis, guard=loop.guard, parallel=False, within=step)
        block(builder, loop.body)
        _update(builder, others)
        builder.close(loop.span)
    for carried in loop.carried:
        builder.home[carried.result] = builder.home[carried.argument]


def _begin(builder: Builder, carried: Carried) -> Buffer:
    """The buffer of a carried value, holding the value that the loop starts from."""
    initial, argument = carried.initial, carried.argument
    if initial in builder.host.values:
        why = f"{argument.name} is a single number that a loop changes, and no engine keeps one"
        instead = f"give it an axis of the tile, as in {argument.name} = full[m](..)"
        raise CannotLower("TK514", builder.chip.name, argument.span, why, instead)
    alone = len(builder.uses.of(initial)) == 1
    if alone and initial in builder.home and _may_be_changed(builder, builder.home[initial], carried):
        return builder.home[initial]
    partition = builder.layout[argument]
    slots, runs = builder.work_slots(), builder.runs.get(argument)
    made = builder.buffer(argument.name, "sbuf", argument.element, argument.axes, partition, slots, runs=runs)
    definition = builder.uses.definition.get(initial)
    if alone and isinstance(definition, Fill) and definition.operand in builder.host.values:
        fill(builder, definition, made)
    elif not isinstance(definition, Unwritten):
        copy(builder, builder.home[initial], made, argument.name, argument.span)
    return made


def _may_be_changed(builder: Builder, home: Buffer, carried: Carried) -> bool:
    """Whether a buffer holds what a loop starts from and nothing else that is still to be read.

    What was computed before a loop around is what every step of that one starts from.
    """
    here = builder.uses.block_of.get(carried.initial) == builder.uses.block_of[carried.result]
    return here and home.memory == "sbuf" and home.view is None and not others_in(builder, home, (carried,))


def _update(builder: Builder, carried: list[Carried]) -> None:
    """Copies each carried value of a step to the buffer that the next step reads, unless it is there already."""
    moves = [(each, builder.home[each.updated], builder.home[each.argument]) for each in carried]
    moves = [(each, source, target) for each, source, target in moves if source is not target]
    targets = {target for _, _, target in moves}
    staged = []
    for each, source, target in moves:
        if source.storage in targets:  # two names that change places: neither may be overwritten before both are read
            name = f"{each.argument.name}.next"
            slots = builder.work_slots()
            spare = builder.buffer(name, "sbuf", source.element, source.axes, source.partition, slots, runs=source.runs)
            copy(builder, source, spare, name, each.updated.span)
            source = spare
        staged.append((each, source, target))
    for each, source, target in staged:
        copy(builder, source, target, each.argument.name, each.updated.span)
        _move_up(builder.frames[-1].nodes, source, target)


def _move_up(nodes: list[Node], source: Buffer, target: Buffer) -> None:
    """Moves the copy that was appended last to right after the instructions it waits for, so that a stage may end after it."""
    copied = nodes.pop()
    touched = [(node.writes_to, (*node.reads_from, *node.writes_to)) for node in nodes]
    before = [place for place, (written, both) in enumerate(touched) if source in written or target in both]
    nodes.insert(before[-1] + 1 if before else 0, copied)
