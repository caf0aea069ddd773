"""Over what every argument is drawn, and why."""

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


@dataclass(frozen=True, slots=True)
class Domain:
    """What an argument is drawn over, both ends included; an infinite end is open."""

    low: float
    high: float
    why: str

    def __str__(self) -> str:
        return f"{self.low:.10g}..{self.high:.10g}" + (f" ({self.why})" if self.why else "")


def domains(kernel: program.Kernel, dims: Mapping[str, int]) -> dict[str, Domain]:
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
            found[name] = _held(indexing[name], t, "it chooses places")
        elif t.kind == "int" and name in compared:
            found[name] = _held(compared[name], t, "compared with positions")
        elif t.kind == "int":
            widest = MODEST if name in modest else WHOLE
            found[name] = _held((-widest, widest) if isinstance(each, program.Tensor) else SCALAR, t, "")
        elif name in above and isinstance(each, program.Tensor):
            found[name] = Domain(0, inf, "its root or logarithm is taken")
    return found


def _held(interval: Interval, t: ElementType, why: str) -> Domain:
    """An interval, cut to what the type holds."""
    low, high = HELD[t.name]
    first, last = (min(max(each, low), high) for each in interval)
    return Domain(first, last, why)
