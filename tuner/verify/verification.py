"""What came of executing a finalist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilery.backends.truth.comparison import other_data
from tilery.backends.tunable import Choice
from tilery.dsl import program
from tilery.dsl.errors import TileryError


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of executing a finalist."""

    ok: bool
    dims: Mapping[str, int]
    """The shape it was executed at."""
    config: Mapping[str, Choice]
    """The finalist as adapted to that shape."""
    max_error: float
    """The larger of the two errors of exact execution and fast emulation, relative to the scale of the result."""
    tolerance: float
    """What rounding of this type and these reductions may add up to."""
    problem: str = ""
    """What went wrong, if anything did."""
    unproven: str = ""
    """Why the comparison proves nothing, where it does not: the data's doing, whatever the configuration."""
    rounding_error: float = 0.0
    """What of the error rounding to the result's type makes, which no kernel can avoid."""
    rounded_to: str = ""
    """The element type of the result with the worst error."""


class NothingProven(TileryError):
    """The data that were drawn say nothing about the values: no configuration can be called right on them."""


def nothing_proven(kernel: program.Program, why: str) -> NothingProven:
    """The error, with what to do."""
    return NothingProven(f"{kernel.name} cannot be verified: {why}\nhelp: {other_data(kernel.signature)}")
