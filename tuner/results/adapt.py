"""Adapts a configuration of one shape to another one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from tilery.backends.tunable import Choice, Config, Tunable

from ..model.protocol import Refused

Made = TypeVar("Made")


def adapt(config: Config, tunables: Sequence[Tunable]) -> dict[str, Choice]:
    """`config` with every choice moved into the domain of its tunable: a number to the nearest choice by ratio, else the
    default."""
    return {each.name: _nearest(each, config.get(each.name, each.default)) for each in tunables}


def _nearest(tunable: Tunable, wanted: Choice) -> Choice:
    if wanted in tunable.values:
        return wanted
    if not tunable.ordered or not isinstance(wanted, int):
        return tunable.default
    numbers = [each for each in tunable.values if isinstance(each, int)]
    return min(numbers, key=lambda each: abs(math.log1p(each) - math.log1p(wanted)))


def shrunk_to_fit(config: Config, tunables: Sequence[Tunable], make: Callable[[Config], Made]) -> tuple[dict[str, Choice], Made]:
    """`make(config)`. If it does not fit, the largest tile shrinks by a step and it is tried again. Raises if no tile can
    shrink."""
    current = dict(config)
    while True:
        try:
            return current, make(current)
        except Refused:
            smaller = _shrunk(current, tunables)
            if smaller is None:
                raise
            current = smaller


def _shrunk(config: Config, tunables: Sequence[Tunable]) -> dict[str, Choice] | None:
    steps = [
        (value, each.name, each.values[place - 1])
        for each in tunables
        if each.kind == "tile" and (place := each.values.index(value := config[each.name])) > 0 and isinstance(value, int)
    ]
    if not steps:
        return None
    _, name, smaller = max(steps)
    return {**config, name: smaller}
