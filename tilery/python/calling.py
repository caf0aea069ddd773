"""Reads element types, dimensions and constants off the arguments of a call."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilery.backends.operations import numerics
from tilery.dsl import program
from tilery.dsl.errors import UsageError
from tilery.dsl.program import LEADING
from tilery.dsl.report import did_you_mean
from tilery.dsl.specialise.dimensions import Bound, bind_shapes
from tilery.dsl.types import ELEMENT_TYPES, F8E4M3, ElementType, TypeVariable
from tilery.request import Given, sort_names

from .cures import conversion
from .foreign import to_numpy
from .four_bits import unpacked
from .fp8 import FN, from_fn
from .kinds import is_jax, is_torch
from .leading import folded

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of a call, matched with a signature."""

    arguments: Mapping[str, Array | float]
    """Tensors and run-time scalars by name."""
    types: Mapping[str, ElementType]
    dims: Mapping[str, int]
    constants: Mapping[str, int | bool]
    leading: tuple[int, ...] = ()
    """The extents that `...` stands for."""
    given: Mapping[str, object] = field(default_factory=dict)
    """The arguments as they were given."""


Forms = tuple[object, ...]
"""The element type and the shape of every tensor argument, and the constants that are given."""
TypesAndDims = tuple[Mapping[str, ElementType], Bound]
"""The element type of each type variable, and the size of each dimension."""
FORMS_KEPT = 128


def bind_call(
    name: str,
    signature: program.Signature,
    given: Sequence[object],
    named: Mapping[str, object],
    known: MutableMapping[Forms, TypesAndDims] | None = None,
) -> Call:
    """Matches arguments to parameters as Python does, and reads types and dimensions off the tensors.

    Raises `UsageError` for an argument that is missing, unknown, given twice or of the wrong kind, and for types or shapes that
    disagree. `known` caches the types and dimensions for shapes and types of arrays, so that the next such call is quick.
    """
    values = _by_name(name, signature, given, named)
    tensors = {each.name: _array(each, values[each.name]) for each in signature.tensors}
    rest = sort_names(signature, {each: _number(each, value) for each, value in values.items() if each not in tensors})
    types, bound = _types_and_dims(signature, tensors, rest.constants, {} if known is None else known)
    given_for = {**rest.constants, **bound.ones} if bound.ones else rest.constants
    arguments = folded(signature.tensors, tensors) if LEADING in signature.dimensions else tensors
    return Call(arguments | dict(rest.scalars), types, bound.dims, given_for, bound.leading, values)


def _types_and_dims(
    signature: program.Signature,
    tensors: Mapping[str, Array],
    constants: Mapping[str, int | bool],
    known: MutableMapping[Forms, TypesAndDims],
) -> TypesAndDims:
    forms = (*((each.dtype, each.shape) for each in tensors.values()), *constants.items())
    if forms not in known:
        if len(known) >= FORMS_KEPT:
            known.clear()
        bound = bind_shapes(signature, {each: tensor.shape for each, tensor in tensors.items()}, constants)
        known[forms] = _types(signature, tensors), bound
    return known[forms]


def _by_name(name: str, signature: program.Signature, given: Sequence[object], named: Mapping[str, object]) -> dict[str, object]:
    parameters = [each.name for each in signature.parameters]
    if len(given) > len(parameters):
        raise UsageError(f"{name} takes {len(parameters)} arguments ({', '.join(parameters)}), {len(given)} were given")
    values = dict(zip(parameters, given, strict=False))
    for key, value in named.items():
        if key in values:
            raise UsageError(f"{name} was given `{key}` twice")
        if key not in parameters:
            hint = did_you_mean(key, parameters) or f"it has {', '.join(parameters)}"
            raise UsageError(f"{name} has no argument `{key}`; {hint}")
        values[key] = value
    for each in signature.parameters:
        default = None if isinstance(each, program.Tensor) else each.default
        if each.name not in values and default is None:
            raise UsageError(f"{name} needs the argument `{each.name}`")
        # Defaults of constants are left to `specialise`, which knows them.
        if each.name not in values and isinstance(each, program.ScalarParameter):
            values[each.name] = default
    return values


def _number(name: str, value: object) -> Given:
    if isinstance(value, np.generic | np.ndarray) or is_torch(value) or is_jax(value):
        value = _item(name, value)
    if isinstance(value, (int, float)):
        return value
    raise UsageError(f"`{name}` is a number, not {type(value).__name__}")


def _item(name: str, value: Any) -> object:
    if value.ndim:
        raise UsageError(f"`{name}` is a number, not an array of shape {tuple(value.shape)}")
    return value.item()


def _array(tensor: program.Tensor, value: object) -> Array:
    array: Array = to_numpy(tensor.name, value)
    if array.dtype == FN and (isinstance(tensor.dtype, TypeVariable) or tensor.dtype == F8E4M3):
        array = from_fn(tensor.name, array)
    if isinstance(tensor.dtype, ElementType) and tensor.dtype.packed:
        array = unpacked(tensor.name, array, tensor.dtype)
    kind = _elements().get(array.dtype)
    if kind is None or (isinstance(tensor.dtype, ElementType) and tensor.dtype != kind):
        has = f"has elements of type {array.dtype}; there are {', '.join(ELEMENT_TYPES)}"
        found = f"`{tensor.name}` {has}" if kind is None else f"`{tensor.name}` is {tensor.dtype}, but was given as {kind}"
        cure = conversion(tensor.name, value, array.dtype, tensor.dtype)
        if cure and tensor.role == "inout":
            cure = f"{tensor.name} = {cure} before, which is then updated in place"
        raise UsageError(f"{found}; write {cure}" if cure else found)
    return array


def _types(signature: program.Signature, tensors: Mapping[str, Array]) -> dict[str, ElementType]:
    first_given: dict[str, tuple[ElementType, str]] = {}
    for each in signature.tensors:
        if isinstance(each.dtype, TypeVariable):
            kind = _elements()[tensors[each.name].dtype]
            first, where = first_given.setdefault(each.dtype.name, (kind, each.name))
            if first != kind:
                raise UsageError(f"`{where}` and `{each.name}` are both {each.dtype}, but were given as {first} and {kind}")
    return {name: kind for name, (kind, _) in first_given.items()}


@cache
def _elements() -> dict[np.dtype[np.generic], ElementType]:
    return {numerics.numpy_dtype(each): each for each in ELEMENT_TYPES.values()}
