"""What the text requires of the sizes of dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from .. import sizes
from ..check.places.outside import Condition, bounds_conditions
from ..check.places.room import room_conditions
from ..check.ranges import check_range, names_in_range
from ..errors import UsageError
from ..functions import Number
from ..program import (
    Call,
    Cast,
    Constant,
    DimensionSize,
    Elementwise,
    Op,
    Program,
    Requirement,
    Value,
    operands,
    size_value,
)
from ..types import F32
from .fold import folded


def check_requirements(kernel: Program, dims: Mapping[str, int]) -> None:
    """Raises UsageError for the first `require` of a specialised kernel that the sizes do not satisfy.

    No range may be empty. SourceErrors where a read or a store then falls outside its tensor, or an element is not written.
    """
    for each in conditions(kernel):
        each.check(dims)


def conditions(kernel: Program) -> Iterator[Condition]:
    """All that the sizes of a specialised kernel must satisfy: what its text requires, ranges, then `bounds_conditions`."""
    for each in kernel.requirements:
        for part in _parts(each.condition):
            yield Condition(frozenset(_sizes(part)), partial(_check_requirement, kernel.name, replace(each, condition=part)))
    for name, range in kernel.signature.ranges.items():
        yield Condition(frozenset(names_in_range(range)), partial(check_range, name, range))
    yield from bounds_conditions(kernel)
    yield from room_conditions(kernel)


def _parts(ops: tuple[Op, ...]) -> Iterator[tuple[Op, ...]]:
    """What `and` joins, each with the ops that it needs: every part depends on fewer sizes than the whole."""
    match ops[-1]:
        case Elementwise(fn="and", operands=both):
            for each in both:
                yield from _parts(_needed(ops[:-1], each))
        case _:
            yield ops


def _needed(ops: tuple[Op, ...], value: Value) -> tuple[Op, ...]:
    """The ops among straight-line `ops` that `value` rests on; it is the last one's result."""
    wanted, kept = {value}, list[Op]()
    for op in reversed(ops):
        if op.result in wanted:
            wanted.update(operands(op))
            kept.append(op)
    return tuple(reversed(kept))


def _check_requirement(kernel: str, requirement: Requirement, dims: Mapping[str, int]) -> None:
    values: dict[Value, Number] = {}
    for op in requirement.condition:
        number = _evaluate(op, values, dims)
        if number is None:
            raise UsageError(f"{requirement.span}: this requirement cannot be computed for these sizes")
        values[op.result] = number
    if not values[requirement.condition[-1].result]:
        sizes_said = ", ".join(f"{name} = {dims[name]}" for name in _sizes(requirement.condition))
        why = f": {requirement.message}" if requirement.message else ""
        condition = requirement.condition[-1].result.span.text
        found = f", and {sizes_said}" if sizes_said else ""
        raise UsageError(f"{requirement.span}: {kernel} requires `{condition}`{found}{why}")


def _evaluate(op: Op, values: dict[Value, Number], dims: Mapping[str, int]) -> Number | None:
    match op:
        case Constant(value=value):
            return value
        case DimensionSize(size=size):
            return size_value(size, dims)
        case Elementwise(fn=fn):
            return folded(fn, [values[each] for each in operands(op)])
        case Cast(operand=operand):
            return float(values[operand]) if op.result.dtype == F32 else int(values[operand])
        case Call(body=body):
            for inner in body:
                number = _evaluate(inner, values, dims)
                if number is None:
                    return None
                values[inner.result] = number
            return values[body[-1].result]
        case _:
            return None


def _sizes(ops: tuple[Op, ...]) -> list[str]:
    names = [name for op in ops if isinstance(op, DimensionSize) for name in sizes.names_in(op.size)]
    return list(dict.fromkeys(names))
