"""Checks what the user of `Search` gives: parameters with their values, and objective values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import islice

import numpy as np

from tilery.dsl.errors import UsageError

Value = int | float | str | bool | None
"""A value of a parameter."""

MOST_VALUES = 32_767
"""The most values that one parameter may have."""
MOST_SEED = 2**31 - 1
"""The largest seed that numpy's generators and Optuna's samplers both take."""


def domains(space: object) -> dict[str, tuple[Value, ...]]:
    """The values of each parameter without repetition. Numbers of numpy become numbers of Python."""
    if not isinstance(space, Mapping) or not all(isinstance(name, str) for name in space):
        raise UsageError(f"a search space is a mapping of names to values, as dict(block=[32, 64, 128]); this is {_short(space)}")
    found = {name: _domain(name, values) for name, values in space.items()}
    if not found or not all(found.values()):
        raise UsageError("a search space has at least one parameter, and every parameter at least one value")
    return found


def _domain(name: str, values: object) -> tuple[Value, ...]:
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise UsageError(f"{name}: a list of values is expected, as [32, 64, 128]; this is {_short(values)}")
    found = tuple(dict.fromkeys(_value(name, each) for each in islice(values, MOST_VALUES + 1)))
    if len(found) > MOST_VALUES:
        raise UsageError(f"{name} has more than {MOST_VALUES:,} values; choose some of them, or split it into two parameters")
    return found


def _value(name: str, value: object) -> Value:
    plain = value.item() if isinstance(value, np.generic) else value
    if plain is not None and not isinstance(plain, int | float | str):
        raise UsageError(f"{name}: a value is a number, a text, a truth value or None; this is {_short(value)}")
    if isinstance(plain, int | float) and not _finite(plain):
        raise UsageError(f"{name}: {_short(value)} is no number that can be searched for; a finite one is expected")
    return plain


def check_seed(seed: object) -> None:
    """Raises `UsageError` unless every random generator takes the seed."""
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MOST_SEED:
        raise UsageError(f"seed={_short(seed)}: a whole number from 0 to {MOST_SEED:,} is expected")


def worth(value: object) -> tuple[float, str]:
    """The value told of a configuration, and the reason of a failure. A failure has an infinite value."""
    if isinstance(value, str):
        if _is_number(value):
            raise UsageError(f"{_short(value)} is a text, which says why a configuration failed; tell the number {value} itself")
        return math.inf, value
    plain = value.item() if isinstance(value, np.generic | np.ndarray) and value.ndim == 0 else value
    if not isinstance(plain, int | float) or isinstance(plain, bool):
        raise UsageError(f"{_short(value)} is no value to minimise; tell a number, or math.inf or a reason for what failed")
    if plain != math.inf and not _finite(plain):
        raise UsageError(f"{_short(value)} is no value to minimise; tell math.inf, or a reason, for what failed")
    return float(plain), ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond all floats
        return False


def _short(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # a user's class may do anything, and a number may have too many digits to print
        text = f"{type(value).__name__} ({type(error).__name__})"
    return text if len(text) <= 60 else f"{text[:57]}..."
