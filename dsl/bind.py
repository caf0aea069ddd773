"""Dimensions' sizes from the arguments' shapes, and what the text requires of them."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import UsageError
from .fold import Number, folded
from .program import Call, Cast, Constant, DimensionSize, Elementwise, Kernel, Op, Signature, Tensor, Value, size_value
from .report import did_you_mean, listed
from .types import F32


def bind_dimensions(signature: Signature, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """The size of each dimension, in elements, `shapes` giving the shape of every tensor argument (results may be given too).

    Raises UsageError where a tensor is missing or unknown, has another number of dimensions, or disagrees with another one.
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
    for name, tensor in tensors.items():
        if name in shapes:
            _bind(tensor, shapes[name], dims, source)
    return dims


def _bind(tensor: Tensor, shape: tuple[int, ...], dims: dict[str, int], source: dict[str, str]) -> None:
    text = f"{tensor.name}: {tensor.dtype}[{', '.join(map(str, tensor.shape))}]"
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


def check_requirements(kernel: Kernel, dims: Mapping[str, int]) -> None:
    """Raises UsageError for the first `require` of a specialised kernel that the sizes do not satisfy."""
    for each in kernel.requirements:
        values: dict[Value, Number] = {}
        for op in each.condition:
            number = _evaluate(op, values, dims)
            if number is None:
                raise UsageError(f"{each.span}: this requirement cannot be computed for these sizes")
            values[op.result] = number
        if not values[each.condition[-1].result]:
            sizes = ", ".join(f"{name} = {dims[name]}" for name in _sizes(each.condition))
            why = f": {each.message}" if each.message else ""
            raise UsageError(f"{each.span}: {kernel.name} requires otherwise of {sizes or 'its constants'}{why}")


def _evaluate(op: Op, values: dict[Value, Number], dims: Mapping[str, int]) -> Number | None:
    match op:
        case Constant(value=value):
            return value
        case DimensionSize(size=size):
            return size_value(size, dims)
        case Elementwise(fn=fn, operands=operands):
            return folded(fn, [values[each] for each in operands])
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
    names = [str(op.size) for op in ops if isinstance(op, DimensionSize)]
    return list(dict.fromkeys(names))
