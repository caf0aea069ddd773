"""Random arguments of a kernel: what a run, a check or a tuning trial feeds it."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod, sqrt

import numpy as np

from ..dsl import program
from ..dsl.types import ElementType
from .rounding import Array, numpy_dtype, to_storage

Argument = Array | float
"""A tensor in storage type, or the value of a run-time scalar."""


def random_arguments(kernel: program.Kernel, dims: Mapping[str, int], seed: int) -> dict[str, Argument]:
    """An argument for every tensor and run-time scalar of a specialised kernel; the same for the same `seed`.

    Floats are standard normal, rounded to the tensor's type. A tensor that is the second operand of a contraction of length
    K is divided by sqrt(K), so that products come out standard normal too: `gelu` of numbers near 45 would test nothing.
    Integers are uniform in -4..4 (0..4 if unsigned), or positions of the dimension that they index; truth values a coin.
    A scalar with a default has it; another float is uniform in 0.5..1, another integer in 1..4.
    """
    rng = np.random.default_rng(seed)
    lengths = _contracted_lengths(kernel, dims)
    indexed = _indexed_extents(kernel, dims)
    arguments: dict[str, Argument] = {}
    for tensor in kernel.signature.tensors:
        shape = tuple(program.size_value(each, dims) for each in tensor.shape)
        if tensor.name in indexed:
            arguments[tensor.name] = rng.integers(0, max(1, indexed[tensor.name]), shape).astype(numpy_dtype(tensor.element))
        else:
            arguments[tensor.name] = _tensor(rng, shape, tensor.element, 1 / sqrt(max(1, lengths.get(tensor.name, 1))))
    for scalar in kernel.signature.scalars:
        arguments[scalar.name] = _scalar(rng, scalar)
    return arguments


def _tensor(rng: np.random.Generator, shape: tuple[int, ...], t: ElementType, spread: float) -> Array:
    if t.kind == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    if t.kind == "int":
        return rng.integers(0 if t.name == "u8" else -4, 5, shape).astype(numpy_dtype(t))
    normal = rng.standard_normal(shape, np.float32)
    return to_storage(np.multiply(normal, np.float32(spread), out=normal), t)


def _scalar(rng: np.random.Generator, scalar: program.ScalarParameter) -> float:
    if scalar.default is not None:
        return scalar.default
    if scalar.dtype.kind == "float":
        return float(np.float32(rng.uniform(0.5, 1.0)))
    return int(rng.integers(1, 5))


def _contracted_lengths(kernel: program.Kernel, dims: Mapping[str, int]) -> dict[str, int]:
    """Length of the contraction of which a tensor is the second operand."""
    sources: dict[program.Value, str] = {}
    lengths: dict[str, int] = {}
    for each in program.walk(kernel.body):
        match each:
            case program.Load():
                sources[each.result] = each.tensor.name
            case program.Cast() if each.operand in sources:
                sources[each.result] = sources[each.operand]
            case program.Dot() if each.right in sources:
                lengths[sources[each.right]] = prod(program.size_value(axis.size, dims) for axis in each.axes)
    return lengths


def _indexed_extents(kernel: program.Kernel, dims: Mapping[str, int]) -> dict[str, int]:
    """Extent of the smallest dimension that the numbers of a tensor are positions of."""
    sources: dict[program.Value, str] = {}
    extents: dict[str, int] = {}
    for each in (*program.walk(kernel.body), *program.walk(kernel.reference)):
        match each:
            case program.Cast() if each.operand in sources:
                sources[each.result] = sources[each.operand]
            case program.Load() | program.Store():
                for index, size in zip(each.index, each.tensor.shape, strict=True):
                    if isinstance(index, program.GatherIndex) and index.value in sources:
                        name, extent = sources[index.value], program.size_value(size, dims)
                        extents[name] = min(extent, extents.get(name, extent))
        if isinstance(each, program.Load):
            sources[each.result] = each.tensor.name
    return extents
