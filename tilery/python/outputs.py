"""`out=`: writes results to the caller's arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilery.dsl import program
from tilery.dsl.errors import UsageError

from .calling import Call
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

    @property
    def contiguous(self) -> bool:
        """Whether each array lies in one piece."""
        return all(each.flags.c_contiguous and each.flags.aligned for each in self.arrays.values())

    def are_read(self, arguments: Mapping[str, object]) -> bool:
        """Whether the arguments of these names are these arrays, and no conversions of them."""
        return all(np.may_share_memory(np.asarray(arguments[name]), each) for name, each in self.arrays.items())

    def finish(self) -> None:
        """Rewrites results of `f8e4m3` that lie in arrays of `e4m3fn`."""
        for name, value in self.given.items():
            if is_torch(value) and self.arrays[name].dtype == OURS:
                as_fn(self.arrays[name])


def read_outputs(signature: program.Signature, out: object) -> Outputs:
    """The arrays of `out`: one array, a tuple in the order of the text, or a mapping by the names of results.

    Raises `UsageError` for what cannot be written to, or where two elements lie in the same memory.
    """
    names = [each.name for each in signature.results if each.role != "inout"]
    if not names:
        raise UsageError("`out` is for results, and this kernel only updates its arguments in place: leave it out")
    arrays = list(out.values()) if isinstance(out, Mapping) else list(out) if isinstance(out, tuple | list) else [out]
    given: dict[str, object] = dict(out) if isinstance(out, Mapping) else dict(zip(names, arrays, strict=False))
    if {*given} != {*names} or len(arrays) != len(names):
        raise UsageError(f"`out` holds one array for each result: {', '.join(names)}")
    made = {name: _writable(f"`out` of {name}", given[name], f"out={name}.detach()", "leave it out") for name in names}
    for one, other in combinations(made.values(), 2):
        if overlap(one, other):
            raise UsageError("the arrays of `out` overlap")
    return Outputs(given, made)


def updating(signature: program.Signature, call: Call, given: Mapping[str, object]) -> tuple[Call, Outputs]:
    """The arrays that a kernel updates in place, `given` as they are; and the call, with copies of what shares memory with them.

    Raises `UsageError` for what cannot be written to.
    """
    names = [each.name for each in signature.results if each.role == "inout"]
    arrays = {name: _writable(f"`{name}`, updated in place,", given[name], f"{name}.detach()", "take numpy's") for name in names}
    arguments = dict(call.arguments)
    for name, value in call.arguments.items():
        if not isinstance(value, np.ndarray):
            continue
        if name not in arrays and any(overlap(value, each) for each in arrays.values()):
            arguments[name] = value.copy()  # it is read as it was given
    return replace(call, arguments=arguments), Outputs({name: given[name] for name in names}, arrays)


def refuse_overlaps(arrays: Mapping[str, Array]) -> None:
    """Raises `UsageError` where two arrays that are written to share memory."""
    for (one, a), (other, b) in combinations(arrays.items(), 2):
        if overlap(a, b):
            raise UsageError(f"`{one}` and `{other}` are written to, and lie in the same memory: give one of them as a copy")


def _writable(what: str, value: object, detached: str, instead: str) -> Array:
    if is_jax(value):
        raise UsageError(f"{what} is an array of JAX, which nothing can write to: {instead}, and take the result")
    if not (isinstance(value, np.ndarray) or hasattr(value, "__dlpack__")):
        raise UsageError(f"{what} should be an array, not {type(value).__name__}")
    if is_torch(value) and value.requires_grad:  # type: ignore[attr-defined]
        raise UsageError(f"{what} requires a gradient, which a kernel has not: write {detached}")
    array = to_numpy(what.replace("`", ""), value)
    if not array.flags.writeable:
        raise UsageError(f"{what} is read-only")
    if overlaps_itself(array):
        raise UsageError(f"{what} overlaps itself: several of its elements lie in the same memory")
    return array.view(OURS) if is_torch(value) and array.dtype == FN else array
