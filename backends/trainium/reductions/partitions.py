"""A reduction along the axis that lies across the partitions. Its result is the same on every partition.

sum[m](x[m, n])    ones[lane, every] @ x[m, n]: the tensor engine adds the partitions, in f32, block after block of m
max[m](x[m, n])    the maximum along the rows of x turned, [n, m]; that column, copied to every place of a row, turned back
sum[m, n](..)      first along each partition, then across them

GpSimd has an instruction for it (NKI's `tensor_partition_reduce`), whose cost nobody has published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilery.backends.machine.engine_program import Buffer, Compute, Copy, MatMul
from tilery.dsl.program import Axis, Reduce
from tilery.dsl.spans import Span
from tilery.dsl.types import ElementType

from ..instructions import TakeEnd, TensorReduce
from ..lowering.builder import Builder
from ..lowering.transposes import copying_engine, transpose, way_to_turn
from .ones import lanes, ones


def reduce_across(builder: Builder, op: Reduce) -> None:
    """Emits a reduction of which one axis lies across the partitions."""
    source = _along(builder, op)
    if op.fn == "sum" and source.element.kind == "float" and source.element.name in builder.chip.tensor.cycles_per_column:
        out = _added_up(builder, op, source)
    else:
        out = _turned_twice(builder, op, source)
    builder.home[op.result] = out
    builder.done.add(op)


def _along(builder: Builder, op: Reduce) -> Buffer:
    """The operand, reduced along each partition if the reduction runs there too."""
    source = builder.home[op.operand]
    over = tuple(axis for axis in op.axes if axis != source.partition)
    if not over:
        return source
    name = builder.label(op.result)
    axes = tuple(axis for axis in source.axes if axis not in over)
    part = builder.buffer(f"{name}.part", "sbuf", op.result.element, axes, source.partition, builder.work_slots())
    _reduce(builder, op, source, over, part)
    return part


def _reduce(builder: Builder, op: Reduce, source: Buffer, over: tuple[Axis, ...], out: Buffer) -> None:
    """The same reduction along each partition."""
    form = "reduce"
    action: Compute = TensorReduce(source.axes, op.fn, source, over, out)
    if op.fn in ("first", "last"):
        form, action = "copy", TakeEnd(source.axes, source, over, out, op.fn == "last")
    engine = builder.engine(out.name, builder.selector.having(form), (source,), False, op.result.span)
    builder.issue(f"{form} {out.name}", engine, form, action, op.result.span)


def _added_up(builder: Builder, op: Reduce, source: Buffer) -> Buffer:
    """The sum of the partitions: a product with ones, a bank of PSUM at a time."""
    name, span, across, slots = builder.label(op.result), op.result.span, source.partition, builder.work_slots()
    assert across is not None
    source = _moved_to_sbuf(builder, source, name, span)
    lane, every = lanes(builder, "lane"), lanes(builder, "every")
    kept = op.result.axes
    long = [axis for axis in kept if not axis.unit]
    column = long[-1] if long else None
    out = builder.buffer(name, "sbuf", op.result.element, kept, None, slots)
    stationary = ones(builder, lane, every, span, source.element)
    limits = dict.fromkeys(long[:-1], 1) | ({column: builder.chip.psum.bank_bytes // 4} if column else {})
    with builder.blocks(limits.items(), span):
        by_name = {axis.name: limit for axis, limit in limits.items()}
        bank = builder.buffer(f"{name}.every", "psum", op.result.element, (*kept, every), every, slots, blocks=by_name)
        product = MatMul(stationary, source, bank, every, column, across, tuple(long[:-1]), None)
        builder.emit(f"matmul {name}", "tensor", "matmul", product, (stationary, source), (bank,), span)
        _to_all(builder, bank, out, every, name, span)
    return out


def _moved_to_sbuf(builder: Builder, source: Buffer, name: str, span: Span) -> Buffer:
    """The operand where the tensor engine reads: it leaves its own products in PSUM."""
    if source.memory == "sbuf":
        return source
    made = builder.buffer(f"{name}.s", "sbuf", source.element, source.axes, source.partition, builder.work_slots())
    engine = copying_engine(builder, f"{name}.s", source, span)
    builder.emit(f"copy {name}.s", engine, "copy", Copy(source, made), (source,), (made,), span)
    return made


def _turned_twice(builder: Builder, op: Reduce, source: Buffer) -> Buffer:
    """Reduced along the rows of the tile turned, 128 rows at a time; each row is filled with its result, and turned back."""
    name, span, across = builder.label(op.result), op.result.span, source.partition
    assert across is not None
    source = _with_a_row(builder, _moved_to_sbuf(builder, source, name, span), name, span)
    kept = tuple(axis for axis in source.axes if axis != across)
    row = next(axis for axis in reversed(kept) if not axis.unit)
    out = builder.buffer(name, "sbuf", op.result.element, op.result.axes, None, builder.work_slots())
    limits = {axis: 1 for axis in kept if axis != row and not axis.unit} | {row: builder.chip.sbuf.partitions}
    with builder.blocks(limits.items(), span):
        block = _Block(builder, name, span, {axis.name: limit for axis, limit in limits.items()})
        turned = block.turned(source, row, "turned")
        found = block.buffer("found", op.result.element, kept, row)
        _reduce(builder, op, turned, (across,), found)
        every = lanes(builder, "every")
        spread = block.buffer("spread", op.result.element, (*kept, every), row)
        engine = copying_engine(builder, spread.name, spread, span)
        builder.emit(f"copy {spread.name}", engine, "copy", Copy(found, spread), (found,), (spread,), span)
        _to_all(builder, block.turned(spread, every, "back"), out, every, name, span)
    return out


@dataclass(frozen=True, slots=True)
class _Block:
    """A part of the tile that is turned at once, and the buffers for it."""

    builder: Builder
    name: str
    span: Span
    limits: Mapping[str, int]

    def buffer(self, what: str, element: ElementType, axes: tuple[Axis, ...], partition: Axis) -> Buffer:
        """A buffer for one block."""
        name, slots = f"{self.name}.{what}", self.builder.work_slots()
        return self.builder.buffer(name, "sbuf", element, axes, partition, slots, blocks=self.limits)

    def turned(self, source: Buffer, row: Axis, what: str) -> Buffer:
        """A block with `row` across the partitions."""
        made = self.buffer(what, source.element, source.axes, row)
        reason = f"{self.name} is reduced across the partitions"
        way = way_to_turn(self.builder, f"{self.name}.{what}", source.element, (row, source.partition), reason, self.span)
        transpose(self.builder, source, made, made.name, str(way), self.span)
        return made


def _with_a_row(builder: Builder, source: Buffer, name: str, span: Span) -> Buffer:
    """The tile with an axis along each partition: a single column gets one of extent one."""
    if any(axis != source.partition and not axis.unit for axis in source.axes):
        return source
    one = lanes(builder, "one", 1)
    made = builder.buffer(f"{name}.column", "sbuf", source.element, (*source.axes, one), source.partition, builder.work_slots())
    engine = copying_engine(builder, made.name, source, span)
    builder.emit(f"copy {made.name}", engine, "copy", Copy(source, made), (source,), (made,), span)
    return made


def _to_all(builder: Builder, source: Buffer, out: Buffer, every: Axis, name: str, span: Span) -> None:
    """Each partition keeps its own of the results, which are all the same."""
    engine = copying_engine(builder, f"{name}.every", source, span)
    builder.emit(f"copy {name}", engine, "copy", Copy(source, out, shared=every), (source,), (out,), span)
