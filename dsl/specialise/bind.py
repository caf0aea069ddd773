"""Dimensions' sizes from the arguments' shapes, and what the text requires of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from .. import sizes
from ..check.places.outside import Condition, bounds_conditions
from ..check.ranges import check_range, names_in_range
from ..check.shapes import solved
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
    Signature,
    Size,
    Tensor,
    Value,
    operands,
    size_value,
)
from ..report import did_you_mean, listed
from ..types import F32
from .fold import folded


def bind_dimensions(signature: Signature, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """The size of each dimension, in elements, `shapes` giving the shape of every tensor argument (results may be given too).

    A dimension that is an expression, `G * R`, is solved where one of its names is left open by the others. Raises UsageError
    where a tensor is missing or unknown, has another number of dimensions, disagrees with another one, or nothing fits.
    """
    tensors = {each.name: each for each in (*signature.tensors, *signature.results)}
    for name in shapes:
        if name not in tensors:
            raise UsageError(f"there is no tensor `{name}`; {did_you_mean(name, tensors) or f'there are {listed(tensors)}'}")
    missing = [each.name for each in signature.tensors if each.name not in shapes]
    if missing:
        raise UsageError(f"no shape is given for {listed(missing)}")
    dims: dict[str, int] = {}
    source: dict[str, str] = {}
    given = [(tensor, shapes[name]) for name, tensor in tensors.items() if name in shapes]
    for tensor, shape in given:
        _bind(tensor, shape, dims, source)
    _solve(given, dims, source)
    return {name: dims[name] for name in signature.dimensions if name in dims}


def _text(tensor: Tensor) -> str:
    return f"{tensor.name}: {tensor.dtype}[{', '.join(map(str, tensor.shape))}]"


def _solve(given: list[tuple[Tensor, tuple[int, ...]]], dims: dict[str, int], source: dict[str, str]) -> None:
    """Binds what stands only in expressions, and compares every expression with the extent it was given."""
    waiting = [(tensor, each) for tensor, shape in given for each in zip(tensor.shape, shape, strict=True)]
    while ready := [each for each in waiting if _unknown(each[1][0], dims) < 2]:
        waiting = [each for each in waiting if each not in ready]
        for tensor, (size, extent) in ready:
            text = _text(tensor)
            if _unknown(size, dims) == 1:
                found = solved(size, extent, dims)
                if found is None or found[1] < 1:
                    raise UsageError(f"no whole number makes `{size}` in `{text}` come to {extent}{_where(size, dims)}")
                dims[found[0]] = found[1]
                source[found[0]] = text
            elif not isinstance(size, str) and size_value(size, dims) != extent:
                raise UsageError(f"`{size}` is {size_value(size, dims)}{_where(size, dims)}, and `{text}` was given {extent}")


def _unknown(size: Size, dims: Mapping[str, int]) -> int:
    return sum(name not in dims for name in sizes.names_in(size))


def _where(size: Size, dims: Mapping[str, int]) -> str:
    known = dict.fromkeys(name for name in sizes.names_in(size) if name in dims)
    return f" with {', '.join(f'{name} = {dims[name]}' for name in known)}" if known else ""


def _bind(tensor: Tensor, shape: tuple[int, ...], dims: dict[str, int], source: dict[str, str]) -> None:
    text = _text(tensor)
    if len(shape) != len(tensor.shape):
        raise UsageError(f"`{text}` has {len(tensor.shape)} dimensions, and the shape given is {list(shape)}")
    for size, extent in zip(tensor.shape, shape, strict=True):
        if extent < 1:
            raise UsageError(f"`{text}` has no elements: the shape given is {list(shape)}")
        if not isinstance(size, str):
            continue
        if dims.setdefault(size, extent) != extent:
            raise UsageError(f"`{size}` is {dims[size]} in `{source[size]}` and {extent} in `{text}`")
        source.setdefault(size, text)


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
