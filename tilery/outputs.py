"""`out=`: results written where the caller says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dsl import program
from .dsl.errors import UsageError

Array = NDArray[Any]


def named_outputs(signature: program.Signature, out: object) -> dict[str, Array]:
    """The arrays of `out` by the name of their result: one array, a tuple in the order of the text, or a mapping."""
    names = [each.name for each in signature.results]
    arrays = list(out.values()) if isinstance(out, Mapping) else list(out) if isinstance(out, tuple | list) else [out]
    given: dict[str, Any] = dict(out) if isinstance(out, Mapping) else dict(zip(names, arrays, strict=False))
    if {*given} != {*names} or len(arrays) != len(names):
        raise UsageError(f"`out` holds one array for each result: {', '.join(names)}")
    for name, array in given.items():
        if not isinstance(array, np.ndarray):
            raise UsageError(f"`out` of {name} should be a numpy array, not {type(array).__name__}")
        if not array.flags.writeable:
            raise UsageError(f"`out` of {name} is read-only")
    for number, array in enumerate(arrays):
        if any(np.may_share_memory(array, other) for other in arrays[number + 1 :]):
            raise UsageError("the arrays of `out` overlap")
    return given


def direct(out: Mapping[str, Array], arguments: Iterable[object]) -> bool:
    """Whether results may be written to `out` while the arguments are still being read, and as they come."""
    tensors = [each for each in arguments if isinstance(each, np.ndarray)]
    apart = not any(np.may_share_memory(array, each) for array in out.values() for each in tensors)
    return apart and all(array.flags.c_contiguous and array.flags.aligned for array in out.values())
