"""Elementwise work: one instruction for each group of operations, and the buffers of its results."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from tilery.backends.machine.engine_program import Buffer, Clear, Compute, Operand, Transfer
from tilery.backends.machine.errors import CannotLower
from tilery.dsl.program import Carried, Fill, Op, Reduce, Scan, Store, Value, index_values
from tilery.dsl.spans import Span
from tilery.dsl.types import BF16

from ..addressing import alongside, is_strided
from ..fusion.followers import with_followers
from ..fusion.masks import with_mask
from ..instructions import Activation, Memset, Step, TensorScalar, TensorScan, placed
from ..parts.aliases import others_in
from ..parts.copies import copy_of
from ..parts.insert import ahead
from ..phases.waiting import fed, store_buffers
from ..wide.moving import collect, row_of
from .builder import Builder
from .loads import positions
from .select import Group
from .transposes import across, copy, in_sbuf


def compute(builder: Builder, group: Group) -> None:
    """Places the instruction of a group; with the store of its result, where that is all that reads it."""
    if group.main in builder.done or _only_begins_a_loop(builder, group.main):
        return
    group = with_followers(builder, with_mask(builder, group))
    builder.done.update(group.ops)
    inside = set(group.ops)
    results = [op.result for op in group.ops if any(use.by not in inside for use in builder.uses.of(op.result))]
    instructions = tuple(_biased(builder, each) for each in group.instructions) if group.minus else group.instructions
    stored = _stored(builder, results)
    if stored is None or stored in builder.wide:
        _emit(builder, group, instructions, results, {})
        return
    with fold_by_fold(builder, stored.value, stored.span):
        _emit(builder, group, instructions, results, _one_fold(builder, stored.value))
        _transfer(builder, stored, builder.home[stored.value])


def _emit(
    builder: Builder, group: Group, instructions: tuple[Compute, ...], results: list[Value], blocks: Mapping[str, int]
) -> None:
    main, span, inputs = group.main.result, group.main.result.span, group.inputs
    sums = [op.result for op in group.ops if isinstance(op, Reduce) and op is not group.main]
    # What is read of the tile itself: as it is, or as a cast of it. Nothing may be, where its sum is all that is wanted.
    tile = next((value for value in results if value not in sums), None)
    name = builder.label(results[-1] if results else main)
    small = all(builder.selector.is_scalar(value, builder.layout.get(value)) for value in (*inputs, *results))
    readable = _readable(builder, group)
    reads = [readable.get(value) or builder.home[value] for value in inputs if value not in builder.host.values]
    engine = builder.engine(name, group.engines, reads, small, span)
    scans = [each for each in instructions if isinstance(each, TensorScan)]
    moved = {value: buffer for scan in scans for value, buffer in _factor_moved(builder, scan, blocks)}
    homes: dict[Value, Buffer] = {}
    for value in results:
        homes[value] = ahead(builder, value, group.ops, reads) or _target(builder, value, (*reads, *homes.values()))
    columns = _columns(builder, instructions, span) if engine == "gpsimd" and group.form == "tensor_tensor" else {}
    places = {**readable, **moved, **homes, **columns, main: homes[tile] if tile else unread(builder, main, name, blocks)}

    def at(value: Value) -> Operand:
        known = places.get(value)
        return known or (value if value in builder.host.values else builder.home[value])

    for each in instructions:
        form = "activation" if group.form == "tensor_scalar_reduce" and engine == "scalar" else group.form
        builder.issue(f"{form} {name}", engine, form, placed(each, at), span)
    builder.home.update(homes)


def _columns(builder: Builder, instructions: tuple[Compute, ...], span: Span) -> dict[Value, Buffer]:
    """Numbers as one element a partition: an instruction of two tiles reads that again and again, and takes no number."""
    found = {}
    for value in dict.fromkeys(each for one in instructions for each in one.inputs if isinstance(each, Value)):
        if value in builder.host.values:
            found[value] = builder.column(value, span)
    return found


def _readable(builder: Builder, group: Group) -> dict[Value, Buffer]:
    """Copies in SBUF of inputs that the tensor engine leaves in PSUM, where no engine that has the instruction reads that."""
    if any(builder.chip.engine(name).reads_psum for name in group.engines):
        return {}
    left = [each for each in group.inputs if each in builder.home and builder.home[each].memory == "psum"]
    return {each: in_sbuf(builder, each, group.main.result.span) for each in left}


def _factor_moved(builder: Builder, scan: TensorScan, blocks: Mapping[str, int]) -> Iterator[tuple[Value, Buffer]]:
    """The factors of a scan in SBUF, if both its tiles are what the tensor engine leaves: the instruction reads one such tile."""
    tiles = [each for each in (scan.factor, scan.data) if isinstance(each, Value) and each in builder.home]
    if len(tiles) < 2 or any(builder.home[each].memory != "psum" for each in tiles):
        return
    value, span = tiles[0], tiles[0].span
    name, source, slots = f"{builder.label(value)}.factors", builder.home[value], builder.work_slots()
    made = builder.buffer(name, "sbuf", value.element, value.axes, source.partition, slots, blocks=blocks, runs=source.runs)
    copy(builder, source, made, name, span)
    yield value, made


def unread(builder: Builder, value: Value, name: str, blocks: Mapping[str, int]) -> Buffer:
    """Where an instruction leaves what nothing reads, because its sum is all that is wanted: short elements take least room."""
    partition, runs = builder.layout[value], builder.runs.get(value)
    return builder.buffer(f"{name}.unread", "sbuf", BF16, value.axes, partition, 1, blocks=blocks, runs=runs)


def _biased(builder: Builder, instruction: Compute) -> Compute:
    """An activation with its bias negated: it adds, and the text subtracts."""
    assert isinstance(instruction, Activation) and isinstance(instruction.bias, Value)
    bias = instruction.bias
    if bias in builder.host.values:
        return replace(instruction, bias=builder.host.negated(bias))
    return instruction if builder.selector.is_negated(bias) else replace(instruction, bias=_negated(builder, bias))


def _negated(builder: Builder, value: Value) -> Buffer:
    """Where a scalar operand lies negated: an instruction on one element a partition, once for all that read it."""
    known = builder.negated.get(value)
    if known is not None and any(known[0] is frame for frame in builder.frames):
        return known[1]
    name, home, span = f"{builder.label(value)}.minus", builder.home[value], value.span
    slots, runs = builder.work_slots(), builder.runs.get(value)
    out = builder.buffer(name, "sbuf", value.element, value.axes, home.partition, slots, runs=runs)
    minus = TensorScalar(value.axes, home, Step("mul", builder.host.number(-1.0, value)), None, out)
    engines = builder.selector.having("tensor_scalar")
    builder.issue(f"tensor_scalar {name}", builder.engine(name, engines, (home,), True, span), "tensor_scalar", minus, span)
    builder.negated[value] = (builder.frames[-1], out)
    return out


def _stored(builder: Builder, results: list[Value]) -> Store | None:
    """The store that alone reads a group's only result, if it stands in the same block."""
    if len(results) != 1 or results[0] in builder.carrying:
        return None
    uses = builder.uses.of(results[0])
    store = uses[0].by if len(uses) == 1 and uses[0].block == builder.uses.block_of[results[0]] else None
    if (
        not isinstance(store, Store)
        or store.value != results[0]
        or not fed(builder, store)
        or is_strided(store.index, builder.layout[store.value])
    ):
        return None
    # Positions that are computed later have no buffer yet. Then the store is emitted where the text has it.
    known = all(value in builder.home or value in builder.host.values for value in index_values(store.index))
    return store if known else None


@contextmanager
def fold_by_fold(builder: Builder, value: Value, span: Span) -> Iterator[None]:
    """A loop over the 128-row folds of a value, so that the staging buffer of a store holds one fold at a time."""
    partition = builder.layout.get(value)
    limits = [(partition, builder.chip.sbuf.partitions)] if partition is not None else []
    with builder.blocks(limits, span):
        yield


def _staging(builder: Builder, name: str, value: Value) -> Buffer:
    """A staging buffer for one fold of a value that is stored."""
    partition, runs, blocks = builder.layout.get(value), builder.runs.get(value), _one_fold(builder, value)
    return builder.buffer(name, "sbuf", value.element, value.axes, partition, builder.slots(name), blocks=blocks, runs=runs)


def _one_fold(builder: Builder, value: Value) -> dict[str, int]:
    """The rows that a buffer holds inside `fold_by_fold`."""
    partition = builder.layout.get(value)
    return {partition.name: builder.chip.sbuf.partitions} if partition is not None else {}


def _only_begins_a_loop(builder: Builder, op: Op) -> bool:
    """Whether the operation fills a tile with a number that only a loop starts from: it is written into the carried buffer."""
    uses = builder.uses.of(op.result)
    number = isinstance(op, Fill) and op.operand in builder.host.values
    return number and len(uses) == 1 and isinstance(uses[0].by, Carried)


def _target(builder: Builder, value: Value, busy: Collection[Buffer]) -> Buffer:
    """The buffer for a computed value: the carried buffer that it replaces, the staging buffer of a store, or one of its own.

    `busy`: what its instruction reads, and where it leaves other results.
    """
    carried = builder.carrying.get(value)
    definition = builder.uses.definition.get(value)
    shifted = isinstance(definition, Scan) and definition.exclusive  # it would write what it has still to read
    if carried is not None and not shifted and _last_reader(builder, carried):
        return builder.home[carried.argument]
    partition = builder.layout[value]
    stored = _stored(builder, [value])
    if stored is not None and stored in builder.wide:
        return row_of(builder, stored)
    if stored is not None:
        return _staging(builder, stored.tensor.name, value)
    name, slots, runs = builder.label(value), builder.work_slots(), builder.runs.get(value)

    def made() -> Buffer:
        return builder.buffer(name, "sbuf", value.element, value.axes, partition, slots, runs=runs)

    return copy_of(builder, (name, value.element, value.axes, partition, runs), busy, made)


def _last_reader(builder: Builder, carried: Carried) -> bool:
    """Whether all readers of the old carried value have been emitted, so that the new value may overwrite it."""
    home = builder.home[carried.argument]
    readers = [use.by for use in builder.uses.of(carried.argument)]
    emitted = all(not isinstance(by, Carried) and by in builder.done for by in readers)
    return emitted and home.memory == "sbuf" and home.element == carried.updated.dtype and not others_in(builder, home)


def store(builder: Builder, statement: Store) -> None:
    """Emits a store from SBUF. A result of the tensor engine is copied from PSUM to SBUF first."""
    if statement in builder.done:
        return
    if statement in builder.wide:
        collect(builder, statement)
        return
    value, name = statement.value, statement.tensor.name
    source = builder.home[value]
    if is_strided(statement.index, source.partition):
        _transfer(builder, statement, across(builder, value, alongside(statement.index), statement.span))
        return
    if source.memory == "sbuf":
        _transfer(builder, statement, source)
        return
    with fold_by_fold(builder, value, statement.span):
        staging = _staging(builder, name, value)
        copy(builder, source, staging, name, statement.span)
        _transfer(builder, statement, staging)


def _transfer(builder: Builder, statement: Store, source: Buffer) -> None:
    name = statement.tensor.name
    chosen = positions(builder, statement.index, source.partition, statement.span)
    target = (_accumulated(builder, statement),) if statement.accumulate else ()
    there = store_buffers(builder, statement)
    action = Transfer(statement.tensor, statement.index, source, store=True, positions=chosen, accumulate=statement.accumulate)
    reads = (source, *(buffer for _, buffer in chosen), *target)
    writes = (*target, *there)
    builder.emit(f"store {name}", builder.transfer_queue("store"), "store", action, reads, writes, statement.span)
    builder.done.add(statement)


def _accumulated(builder: Builder, statement: Store) -> Buffer:
    """The buffer of a result that stores add to. It is cleared once, before the first store."""
    tensor = statement.tensor
    if tensor.element.name not in builder.chip.dma.accumulates:
        why = f"its DMA engines do not add {tensor.element} in device memory"
        known = ", ".join(builder.chip.dma.accumulates) or "nothing"
        instead = f"give {tensor.name} a type that they add ({known}), and round it in a kernel of its own"
        raise CannotLower("TK521", builder.chip.name, statement.span, why, instead)
    if statement.fn != "add":
        why = f"its DMA engines add in device memory, and take no {statement.fn}imum there"
        instead = f"read and write {tensor.name} in one step, `x[m] = {statement.fn}(x[m], ...)`, where places do not repeat"
        raise CannotLower("TK527", builder.chip.name, statement.span, why, instead)
    if tensor not in builder.accumulated:
        with builder.outside(0):
            made = builder.buffer(f"{tensor.name}.hbm", "hbm", tensor.element, (), None, 1)
        if tensor.role == "inout":
            builder.accumulated[tensor] = made
            return made
        with builder.outside(0):
            clear = Clear(made, 0.0, tensor)
            builder.emit(f"clear {tensor.name}", builder.transfer_queue("store"), "store", clear, (), (made,), statement.span)
        builder.accumulated[tensor] = made
    return builder.accumulated[tensor]


def fill(builder: Builder, op: Fill, target: Buffer) -> None:
    """Writes one number into a whole buffer."""
    engines = tuple(each for each in ("vector", "gpsimd") if "memset" in builder.chip.engine(each).forms)
    builder.issue(f"memset {target.name}", engines[0], "memset", Memset(op.result.axes, op.operand, target), op.result.span)
    builder.done.add(op)
