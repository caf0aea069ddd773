"""The memory that a run needs, computed before it starts."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

from tilery.dsl import program
from tilery.dsl.errors import UsageError

from .numbers.rounding import numpy_dtype

FLOAT64_BYTES = 8
WORTH_SAYING_BYTES = 1 << 30
"""A run that needs less does not mention it."""


def least_bytes(kernel: program.Program, dims: Mapping[str, int], compared: bool) -> int:
    """The bytes that a run holds at the least: arguments, results, and the reference's results in float64 if it is `compared`.

    Temporary tiles, masks and comparisons need more; the emulator limits them to its scratch memory.
    """
    signature = kernel.signature
    arguments = sum(_elements(each, dims) * _bytes(each) for each in (*signature.tensors, *signature.temps))
    # Drawing one holds it in f32 beside the others.
    drawing = max((_elements(each, dims) * max(0, 4 - _bytes(each)) for each in kernel.signature.tensors), default=0)
    results = sum(_elements(each, dims) * (_bytes(each) + FLOAT64_BYTES * compared) for each in kernel.signature.results)
    return arguments + max(drawing, results)


def machine_bytes() -> int | None:
    """This machine's memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def check_memory(kernel: program.Program, dims: Mapping[str, int], compared: bool) -> int:
    """The least that a run takes, in bytes. Raises `UsageError` if this machine has not so much."""
    needed, there = least_bytes(kernel, dims, compared), machine_bytes()
    if there is not None and needed > there:
        largest = max(kernel.signature.memory, key=lambda each: _elements(each, dims))
        raise UsageError(
            f"this takes at least {_gibibytes(needed)}, and the machine has {_gibibytes(there)}: "
            f"`{largest.name}` alone has {_elements(largest, dims):,} elements\n"
            "help: run it at smaller sizes; `tilery simulate` times the full ones without running them"
        )
    return needed


def _bytes(tensor: program.Tensor) -> int:
    """Bytes that an element of an array takes here."""
    return numpy_dtype(tensor.element).itemsize


def _elements(tensor: program.Tensor, dims: Mapping[str, int]) -> int:
    return math.prod(program.size_value(size, dims) for size in tensor.shape)


def _gibibytes(number: int) -> str:
    return f"{number / 2**30:,.1f} GiB"
