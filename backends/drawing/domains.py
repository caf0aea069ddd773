"""The range from which every argument is drawn, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from tilery.dsl import program
from tilery.dsl.check.ranges import HELD
from tilery.dsl.types import ElementType

from .limits import limits_of
from .places import Interval, places
from .roles import positive, steep

WHOLE = 100
"""Other integers are drawn from -100..100: their products stay below 2**31 for sums of 200,000."""
MODEST = 4
"""Those that come into powers and exponentials from -4..4."""
SCALAR = (1, 4)
PLACES, COMPARED, ROOT = "it chooses places", "compared with positions", "its root or logarithm is taken"
ANY_EXTENT = 128
"""Which arguments have a derived range, the text says; only where it ends depends on the sizes."""


@dataclass(frozen=True, slots=True)
class Domain:
    """What an argument is drawn over, both ends included; an infinite end is open."""

    low: float
    high: float
    why: str

    def __str__(self) -> str:
        return f"{self.low:.10g}..{self.high:.10g}" + (f" ({self.why})" if self.why else "")


def domains(kernel: program.Program, dims: Mapping[str, int]) -> dict[str, Domain]:
    """The domain of every integer argument, and of the floats that have one; other floats are normal.

    Raises UsageError for a declared range of which the argument's type holds nothing.
    """
    parameters = [each for each in kernel.signature.data if isinstance(each, program.Tensor) or each.default is None]
    declared = {each.name: limits for each in parameters if (limits := limits_of(each, dims)) is not None}
    indexing, compared = places(kernel, dims, declared)
    above, modest = positive(kernel), steep(kernel)
    found: dict[str, Domain] = {}
    for each in parameters:
        name, t = each.name, each.dtype
        assert isinstance(t, ElementType)
        if name in declared:
            found[name] = Domain(*declared[name], "declared")
        elif t.kind == "int" and name in indexing:
            found[name] = _held(indexing[name], t, PLACES)
        elif t.kind == "int" and name in compared:
            found[name] = _held(compared[name], t, COMPARED)
        elif t.kind == "int":
            widest = MODEST if name in modest else WHOLE
            found[name] = _held((-widest, widest) if isinstance(each, program.Tensor) else SCALAR, t, "")
        elif name in above and isinstance(each, program.Tensor):
            found[name] = Domain(0, inf, ROOT)
    return found


def ranges(kernel: program.Program, dims: Mapping[str, int]) -> dict[str, Domain]:
    """What the arguments lie in, in their order: their domains, and the declared ranges of scalars that have a default."""
    found = domains(kernel, dims)
    for each in kernel.signature.scalars:
        if each.default is not None and (limits := limits_of(each, dims)) is not None:
            found[each.name] = Domain(*limits, "declared")
    return {each.name: found[each.name] for each in kernel.signature.data if each.name in found}


def reasons(kernel: program.Program) -> dict[str, str]:
    """Of the arguments that have a range without declaring one: why, at any shape."""
    dims = dict.fromkeys(kernel.signature.dimension_names, ANY_EXTENT)
    declared: dict[str, Interval] = dict.fromkeys(kernel.signature.ranges, (0, 1))
    indexing, compared = places(kernel, dims, declared)
    tensors = {each.name for each in kernel.signature.tensors}
    return (
        dict.fromkeys((positive(kernel) & tensors) - set(declared), ROOT)
        | dict.fromkeys(compared, COMPARED)
        | dict.fromkeys(indexing, PLACES)
    )


def _held(interval: Interval, t: ElementType, why: str) -> Domain:
    """An interval, cut to what the type holds."""
    low, high = HELD[t.name]
    first, last = (min(max(each, low), high) for each in interval)
    return Domain(first, last, why)
