"""Every elementwise operation by name: one record for each function of the language, or importing this fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tilery.dsl.functions import FUNCTIONS

from ..numbers.rounding import Array
from .angles import ANGLES
from .arithmetic import ARITHMETIC
from .bits import BITS
from .comparisons import COMPARISONS
from .curves import CURVES
from .exponentials import EXPONENTIALS
from .powers import POWERS
from .random_bits import RANDOM_BITS
from .record import Operation


def complete(records: Iterable[Operation]) -> dict[str, Operation]:
    """The records by name. Raises TypeError unless they are exactly the language's functions, each with its operands."""
    found: dict[str, Operation] = {}
    for each in records:
        if each.name in found:
            raise TypeError(f"`{each.name}` has two records")
        if each.name not in FUNCTIONS:
            raise TypeError(f"`{each.name}` has a record, and dsl/functions.py does not have it")
        if len(each.domain) != FUNCTIONS[each.name].arity:
            raise TypeError(f"`{each.name}` takes {FUNCTIONS[each.name].arity}, and its record has {len(each.domain)} ranges")
        found[each.name] = each
    missing = [name for name in FUNCTIONS if name not in found]
    if missing:
        raise TypeError(f"dsl/functions.py has {', '.join(missing)}, and backends/operations/ has no record of it")
    return {name: found[name] for name in FUNCTIONS}


OPERATIONS: Mapping[str, Operation] = complete(
    (*ARITHMETIC, *COMPARISONS, *POWERS, *EXPONENTIALS, *CURVES, *ANGLES, *BITS, RANDOM_BITS)
)


def slopes(fn: str, arrays: Sequence[Array], value: Array) -> Sequence[Array | float]:
    """The factor with which `fn` passes an error of each operand on, where its value is `value`."""
    return OPERATIONS[fn].slopes(arrays, value)


def is_exact(fn: str) -> bool:
    """Whether a function adds no rounding error of its own."""
    return OPERATIONS[fn].rounds == 0


def rounding_scale(fn: str, arrays: Sequence[Array], value: Array) -> Array:
    """What the rounding unit is to be multiplied with for the error that `fn` itself adds."""
    rounds = OPERATIONS[fn].rounds
    return np.asarray(rounds(arrays, value) if callable(rounds) else rounds * np.abs(value))
