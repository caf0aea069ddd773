"""Dots: which operand is stationary, and where the sum is kept.

The operand that has the result's partition axis is the stationary one. A sum over a `for` loop stays in PSUM while it fits
(`accumulate = psum`); else each block of the product passes through one bank and is added to a sum in SBUF (`accumulate = sbuf`).
"""

from __future__ import annotations

from collections.abc import Collection

from tilery.backends.machine.choices import SLOTS
from tilery.backends.machine.engine_program import Buffer, Copy, MatMul
from tilery.backends.machine.errors import CannotLower
from tilery.backends.numbers.rounding import largest_magnitude
from tilery.dsl.program import Axis, Carried, Dot, Elementwise, Fill, ForLoop
from tilery.dsl.types import ElementType

from ..parts.banks import product_buffer
from .builder import Builder, RunningSum
from .loads import contracted_axis
from .transposes import across

_BF16_WHOLE = 1 << 8
"""Whole numbers up to this are exact in bf16."""
_F32_WHOLE = 1 << 24
"""Whole numbers up to this are exact in f32."""


def dot(builder: Builder, op: Dot) -> None:
    """Emits a dot: into its running sum, or into a PSUM tile of its own."""
    builder.done.add(op)
    running = builder.sums.get(op.result)
    if running is None:
        out = product_buffer(builder, op)
        builder.home[op.result] = out
        _matmul(builder, op, out, None)
        return
    loop = builder.frames[-1].axis
    assert loop is not None
    builder.home[op.result] = running.buffer
    if running.buffer.memory == "psum":
        _matmul(builder, op, running.buffer, loop.name)
    else:
        _through_banks(builder, op, running, loop)


def running_sums(builder: Builder, loop: ForLoop) -> dict[Carried, list[Dot]]:
    """The carried tiles that start from zeros and to which the loop only adds products (`acc += a @ b`), with the products."""
    found = {}
    for carried in loop.carried:
        if loop.guard or len(builder.uses.changing(carried.updated)) != 1 or not _zeros(builder, carried):
            continue
        chain = _products(builder, carried)
        if chain:
            found[carried] = [dot for _, dot in chain]
            builder.done.update(add for add, _ in chain)
    return found


def _products(builder: Builder, carried: Carried) -> list[tuple[Elementwise, Dot]]:
    """The additions from a carried value to its next one, each with its product. Empty if any other operation is among them."""
    chain: list[tuple[Elementwise, Dot]] = []
    value = carried.updated
    while value is not carried.argument:
        add = builder.uses.definition.get(value)
        if not isinstance(add, Elementwise) or add.fn != "add":
            return []
        for rest, product in (add.operands, tuple(reversed(add.operands))):
            dot = builder.uses.definition.get(product)
            if isinstance(dot, Dot) and builder.uses.only_user(product) is add and builder.uses.only_user(rest) is add:
                break
        else:
            return []
        chain.append((add, dot))
        value = rest
    return list(reversed(chain))


def _zeros(builder: Builder, carried: Carried) -> bool:
    fill = builder.uses.definition.get(carried.initial)
    return isinstance(fill, Fill) and fill.operand in builder.zeros and len(builder.uses.of(carried.initial)) == 1


def begin_sum(builder: Builder, carried: Carried, products: list[Dot]) -> None:
    """Makes the accumulator of a running sum. The loop's first step overwrites it."""
    name = carried.argument.name
    reason = f"{name} stays in PSUM over the loop while its banks fit, else every block is added to a sum in SBUF"
    where = builder.choices.pick(f"accumulate.{name}", ("psum", "sbuf"), reason)
    axes, partition = carried.argument.axes, builder.layout[carried.argument]
    memory = "psum" if where == "psum" else "sbuf"
    buffer = builder.buffer(name, memory, carried.argument.element, axes, partition, builder.slots(name))
    builder.home[carried.argument] = builder.home[carried.updated] = buffer
    for number, product in enumerate(products):
        builder.sums[product.result] = RunningSum(buffer, first=number == 0)


def _matmul(builder: Builder, op: Dot, out: Buffer, summed_over: str | None) -> None:
    action = _action(builder, op, out, summed_over)
    reads = (action.stationary, action.moving)
    builder.emit(f"matmul {builder.label(op.result)}", "tensor", "matmul", action, reads, (out,), op.result.span)


def _action(builder: Builder, op: Dot, out: Buffer, summed_over: str | None) -> MatMul:
    contracted = contracted_axis(builder, op, op.left)
    left = across(builder, op.left, contracted, op.result.span)
    right = across(builder, op.right, contracted, op.result.span)
    known = builder.chip.tensor.cycles_per_column
    for each in (left.element, right.element):
        if each.name not in known:
            why, instead = f"its tensor engine does not multiply {each}", exactly(left.element, right.element, known)
            raise CannotLower("TK516", builder.chip.name, op.result.span, why, instead)
    stationary, moving = _roles(builder, op, left, right)
    column = next((axis for axis in reversed(moving.axes) if _is_free(axis, op, stationary)), None)
    named = {out.partition, column, contracted}
    counted = [axis for axis in dict.fromkeys((*stationary.axes, *moving.axes)) if axis not in named and not axis.unit]
    return MatMul(stationary, moving, out, out.partition, column, contracted, tuple(counted), summed_over)


def exactly(left: ElementType, right: ElementType, known: Collection[str]) -> str:
    """How to write a product of two types of which the tensor engine does not multiply one."""
    reach = largest_magnitude(left) * largest_magnitude(right) if left.kind == right.kind == "int" else 0
    if "bf16" in known and 0 < reach <= _BF16_WHOLE**2:
        terms = _F32_WHOLE // reach
        wide = f"{left} and {right} is exact over up to {terms} terms (sums below 2**24)"
        return f"write `i32(bf16(a) @ bf16(b))`: bf16 holds these numbers, and a product of {wide}; loop over tiles of that many"
    if "f32" in known and reach:
        return "write `i32(f32(a) @ f32(b))`: exact as long as numbers and sums stay below 2**24"
    return f"cast both operands to one of {', '.join(known)}"


def _is_free(axis: Axis, op: Dot, other: Buffer) -> bool:
    return axis not in op.axes and axis not in other.axes and not axis.unit


def _roles(builder: Builder, op: Dot, left: Buffer, right: Buffer) -> tuple[Buffer, Buffer]:
    """The stationary and the moving operand."""
    rows = builder.layout[op.result]
    for stationary, moving in ((left, right), (right, left)):
        if rows is not None and rows in stationary.axes and rows not in moving.axes:
            return stationary, moving
    for stationary, moving in ((left, right), (right, left)):
        if rows is None and not any(_is_free(axis, op, moving) for axis in stationary.axes):
            return stationary, moving
    why = f"axis {rows} of the product would have to lie across the partitions, and it is no free axis of one operand"
    raise CannotLower("TK517", builder.chip.name, op.result.span, why, "loop over the batch axis `by 1`")


def _through_banks(builder: Builder, op: Dot, running: RunningSum, loop: Axis) -> None:
    """Block by block: a bank is filled over the contracted axis, then added to the sum in SBUF."""
    target = running.buffer
    action = _action(builder, op, target, None)
    limits = {axis: 1 for axis in action.counted if axis in target.axes}
    if action.rows is not None:
        limits[action.rows] = builder.chip.tensor.columns
    if action.column is not None:
        # An instruction may write several banks on some chips, but the sum is taken bank by bank.
        limits[action.column] = min(builder.chip.tensor.moving_columns, builder.chip.psum.bank_bytes // 4)
    name = f"{target.name}.bank"
    slots = builder.choices.slots(f"buffers.{name}", SLOTS, 2, "banks between the tensor engine and the sum in SBUF")
    with builder.blocks(limits.items(), op.result.span):
        by_name = {axis.name: limit for axis, limit in limits.items()}
        bank = builder.buffer(name, "psum", target.element, target.axes, target.partition, slots, blocks=by_name)
        _matmul(builder, op, bank, None)
        add = Copy(bank, target, add=True, begins=loop if running.first else None)
        builder.emit(f"add {target.name}", "vector", "tensor_tensor", add, (bank, target), (target,), op.result.span)
