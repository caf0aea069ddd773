"""Random arguments of a kernel, for runs, checks and tuning trials."""

from __future__ import annotations

from collections.abc import Mapping
from math import isinf, prod, sqrt

import numpy as np

from tilery.dsl import program
from tilery.dsl.errors import UsageError
from tilery.dsl.types import ElementType

from ..drawing import Domain, domains
from ..numbers.rounding import Array, numpy_dtype, to_storage

Argument = Array | float
"""A tensor in storage type, or the value of a run-time scalar."""

OPEN = 100
"""How far whole numbers go where one end is open."""
ENDS_FROM = 8
"""Integer tensors of as many elements have the least and the greatest of their domain among them."""


def random_arguments(kernel: program.Program, dims: Mapping[str, int], seed: int) -> dict[str, Argument]:
    """An argument for every tensor and run-time scalar of a specialised kernel; the same for the same `seed`.

    What has a domain (`drawing`: a declared range, places that it chooses) is uniform over it, both ends included. Other floats
    are standard normal, rounded to the tensor's type. A tensor that is the second operand of a contraction of length
    K is divided by sqrt(K), so that products come out standard normal too: `gelu` of numbers near 45 would test nothing.
    Truth values are a coin. A scalar with a default has it; another float is uniform in 0.5..1.
    """
    rng = np.random.default_rng(seed)
    lengths = _contracted_lengths(kernel, dims)
    over = domains(kernel, dims)
    arguments: dict[str, Argument] = {}
    for tensor in kernel.signature.tensors:
        shape = tuple(program.size_value(each, dims) for each in tensor.shape)
        spread = 1 / sqrt(max(1, lengths.get(tensor.name, 1)))
        domain = over.get(tensor.name)
        if tensor.distinct:
            assert domain is not None
            arguments[tensor.name] = _distinct(rng, shape, tensor, domain)
        else:
            arguments[tensor.name] = _tensor(rng, shape, tensor.element, spread, domain)
    for scalar in kernel.signature.scalars:
        arguments[scalar.name] = _scalar(rng, scalar, over.get(scalar.name))
    return arguments


def _tensor(rng: np.random.Generator, shape: tuple[int, ...], t: ElementType, spread: float, domain: Domain | None) -> Array:
    if t.kind == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    if t.kind == "int":
        assert domain is not None
        return _whole(rng, shape, *_closed(domain)).astype(numpy_dtype(t))
    if domain is not None:
        return to_storage(_between(rng, shape, domain, spread), t)
    normal = rng.standard_normal(shape, np.float32)
    return to_storage(np.multiply(normal, np.float32(spread), out=normal), t)


def _distinct(rng: np.random.Generator, shape: tuple[int, ...], tensor: program.Tensor, domain: Domain) -> Array:
    """Whole numbers that all differ. Raises UsageError where the domain has not so many."""
    low, high = _closed(domain)
    count = prod(shape)
    if high - low + 1 < count:
        what = f"`{tensor.name}` has {count} elements that all differ, and they lie in {low}..{high}"
        raise UsageError(f"{what}: take smaller shapes of it, or larger ones of what it chooses places of")
    return (rng.permutation(high - low + 1)[:count] + low).reshape(shape).astype(numpy_dtype(tensor.element))


def _closed(domain: Domain) -> tuple[int, int]:
    """The ends of whole numbers, some way off where the range is as good as open."""
    low, high = int(domain.low), int(domain.high)
    if low > -(2**31) and high == 2**31 - 1:
        return low, min(high, low + OPEN)
    if low == -(2**31) and high < 2**31 - 1:
        return max(low, high - OPEN), high
    return (-OPEN, OPEN) if (low, high) == (-(2**31), 2**31 - 1) else (low, high)


def _whole(rng: np.random.Generator, shape: tuple[int, ...], low: int, high: int) -> Array:
    found = rng.integers(low, high, shape, np.int32, endpoint=True)
    if found.size >= ENDS_FROM:
        found.flat[rng.choice(found.size, 2, replace=False)] = low, high
    return found


def _between(rng: np.random.Generator, shape: tuple[int, ...], domain: Domain, spread: float) -> Array:
    """Uniform between two ends; half of a normal distribution beyond one."""
    low, high = domain.low, domain.high
    if not (isinf(low) or isinf(high)):
        uniform = rng.random(shape, np.float32) * (high - low) + low
        return np.asarray(np.clip(uniform, low, high))
    normal = rng.standard_normal(shape, np.float32) * np.float32(spread)
    if isinf(low) and isinf(high):
        return normal
    return np.asarray(low + np.abs(normal) if isinf(high) else high - np.abs(normal))


def _scalar(rng: np.random.Generator, scalar: program.ScalarParameter, domain: Domain | None) -> float:
    if scalar.default is not None:
        return scalar.default
    if scalar.dtype.kind == "int":
        assert domain is not None
        return int(rng.integers(*_closed(domain), endpoint=True))
    if domain is not None:
        return float(np.float32(_between(rng, (), domain, 1.0)))
    return float(np.float32(rng.uniform(0.5, 1.0)))


def _contracted_lengths(kernel: program.Program, dims: Mapping[str, int]) -> dict[str, int]:
    """Length of the contraction of which a tensor is the second operand."""
    sources: dict[program.Value, str] = {}
    lengths: dict[str, int] = {}
    for each in program.walk(kernel.body):
        match each:
            case program.Load():
                sources[each.result] = each.tensor.name
            case program.Cast() if each.operand in sources:
                sources[each.result] = sources[each.operand]
            case program.Cut() if each.tile in sources:
                sources[each.result] = sources[each.tile]
            case program.Dot() if each.right in sources:
                lengths[sources[each.right]] = prod(program.size_value(axis.size, dims) for axis in each.axes)
    return lengths
