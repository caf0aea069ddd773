"""What the language says each element is: a kernel's tile text in plain loops over single numbers.

Shares nothing with what it judges, neither `backends/emulator` nor `backends/engine` nor the meaning of operations, indices
and roundings that those two have in common: only the checked program of `dsl`. It is slow.

Numbers are as docs/language.md has them (`numbers.py`): f32 or i32 while computing, each operation rounded once; casts, stores
and each addition of a `+=` round to the type named. In what order the terms of a sum are added the language does not say; here
a sum is the exact one, rounded once. `Judgement.exact` says whether that, or the quality of a function, can matter: if it is
true, nothing but casts and stores has rounded, no partial sum could have, and every execution must give the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tilery import dsl
from tilery.dsl import bind_dimensions, program
from tilery.dsl.specialise.definition import KernelDefinition
from tilery.dsl.types import ELEMENT_TYPES

from .memory import Array, Stray
from .run import Run

__all__ = ["Judgement", "Stray", "judge", "judged", "specialised"]

Arguments = Mapping[str, Array | float]
Source = str | KernelDefinition | program.Program
"""The text of one kernel, its definition, or a specialised program."""
Constants = Mapping[str, int | bool]

NUMPY_NAMES = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "float8_e4m3": "f8e4m3", "float8_e5m2": "f8e5m2"}
NUMPY_NAMES |= {"float8_e4m3fn": "f8e4m3fn"}
NUMPY_NAMES |= {"int32": "i32", "int16": "i16", "int8": "i8", "int4": "i4", "uint16": "u16", "uint8": "u8", "uint4": "u4"}
NUMPY_NAMES |= {"bool": "bool"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a kernel computes."""

    results: dict[str, Array]
    """By name: float64, int64 or bool, each number one that the result's type has."""
    exact: bool
    """Every execution must give these very numbers."""
    whole: bool
    """No integer was rounded to a float: a reference, which rounds nothing, must give them as well."""


def judge(
    kernel: Source,
    arguments: Arguments,
    tile_sizes: Mapping[str, int],
    constants: Constants | None = None,
    tunes: Mapping[str, int | str] | None = None,
) -> dict[str, Array]:
    """The results by name: float64, int64 or bool, each number one that the result's type has.

    Arguments are tensors in storage types, of any strides, and numbers for run-time scalars; those with a default may be left
    out. `tile_sizes` has a size for every tile variable whose text does not fix it. Raises `Stray` where data point outside a
    tensor.
    """
    return judged(kernel, arguments, tile_sizes, constants, tunes).results


def judged(
    kernel: Source,
    arguments: Arguments,
    tile_sizes: Mapping[str, int],
    constants: Constants | None = None,
    tunes: Mapping[str, int | str] | None = None,
) -> Judgement:
    """The same as `judge`, with the word on whether every execution must give these numbers."""
    made = specialised(kernel, arguments, constants or {}, tunes or {})
    shapes = {each.name: np.shape(arguments[each.name]) for each in made.signature.tensors}
    run = Run(made, bind_dimensions(made.signature, shapes), arguments, tile_sizes)
    run.block(made.body)
    return Judgement({each.name: run.results[each.name].array() for each in made.signature.results}, run.exact, run.whole)


def specialised(
    kernel: Source,
    arguments: Arguments,
    constants: Constants,
    tunes: Mapping[str, int | str],
) -> program.Program:
    """The program for the arguments' element types."""
    if isinstance(kernel, program.Program):
        return kernel
    if isinstance(kernel, str):
        (kernel,) = dsl.parse(kernel).kernels.values()
    open_types = {str(each.dtype): each.name for each in kernel.signature.tensors}
    types = {
        name: ELEMENT_TYPES[NUMPY_NAMES[np.asarray(arguments[open_types[name]]).dtype.name]]
        for name in kernel.signature.type_variables
    }
    return kernel.specialise(types, constants, tunes)
