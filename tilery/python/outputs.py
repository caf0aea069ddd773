"""`out=`: writes results to the caller's arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilery.dsl import program
from tilery.dsl.errors import UsageError

from .foreign import to_numpy
from .fp8 import FN, OURS, as_fn
from .kinds import is_jax, is_torch
from .overlap import overlap, overlaps_itself

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Outputs:
    """The arrays of `out=`, by the name of their result."""

    given: Mapping[str, object]
    """What the caller gave, which the call returns."""
    arrays: Mapping[str, Array]
    """The memory of each array."""

    def direct(self, arguments: Iterable[object]) -> bool:
        """Whether results may be written directly, while arguments are still read."""
        tensors = [each for each in arguments if isinstance(each, np.ndarray)]
        apart = not any(np.may_share_memory(array, each) for array in self.arrays.values() for each in tensors)
        return apart and all(each.flags.c_contiguous and each.flags.aligned for each in self.arrays.values())

    def finish(self) -> None:
        """Rewrites results of `f8e4m3` that lie in arrays of `e4m3fn`."""
        for name, value in self.given.items():
            if is_torch(value) and self.arrays[name].dtype == OURS:
                as_fn(self.arrays[name])


def read_outputs(signature: program.Signature, out: object) -> Outputs:
    """The arrays of `out`: one array, a tuple in the order of the text, or a mapping by the names of results.

    Raises `UsageError` for what cannot be written to, or where two elements lie in the same memory.
    """
    names = [each.name for each in signature.results]
    arrays = list(out.values()) if isinstance(out, Mapping) else list(out) if isinstance(out, tuple | list) else [out]
    given: dict[str, object] = dict(out) if isinstance(out, Mapping) else dict(zip(names, arrays, strict=False))
    if {*given} != {*names} or len(arrays) != len(names):
        raise UsageError(f"`out` holds one array for each result: {', '.join(names)}")
    made = {name: _writable(name, given[name]) for name in names}
    for one, other in combinations(made.values(), 2):
        if overlap(one, other):
            raise UsageError("the arrays of `out` overlap")
    return Outputs(given, made)


def _writable(name: str, value: object) -> Array:
    if is_jax(value):
        raise UsageError(f"`out` of {name} is an array of JAX, which nothing can write to: leave it out, and take the result")
    if not (isinstance(value, np.ndarray) or hasattr(value, "__dlpack__")):
        raise UsageError(f"`out` of {name} should be an array, not {type(value).__name__}")
    if is_torch(value) and value.requires_grad:  # type: ignore[attr-defined]
        raise UsageError(f"`out` of {name} requires a gradient, which a kernel has not: write out={name}.detach()")
    array = to_numpy(f"out of {name}", value)
    if not array.flags.writeable:
        raise UsageError(f"`out` of {name} is read-only")
    if overlaps_itself(array):
        raise UsageError(f"`out` of {name} overlaps itself: several of its elements lie in the same memory")
    return array.view(OURS) if is_torch(value) and array.dtype == FN else array
