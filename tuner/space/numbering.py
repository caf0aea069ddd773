"""Limits a space to what 64 bits can number: of a larger space, the choices least likely to win are left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from tilery.backends.tunable import Tunable

MOST = 2**62
"""The largest number of configurations: 64 bits with room for a sum."""


def numbered(tunables: Sequence[Tunable]) -> tuple[Tunable, ...]:
    """The tunables, with fewer choices where the space is too large. Third slots are left out first, then engines, then second
    slots: a second slot is worth more than a third, and the engine of an elementwise step seldom decides the latency."""
    kept = list(tunables)
    for fewer in (_two_slots, _one_engine, _one_slot, _one_choice):
        for place in reversed(range(len(kept))):
            if math.prod(len(each.values) for each in kept) < MOST:
                return tuple(kept)
            kept[place] = fewer(kept[place])
    return tuple(kept)


def _two_slots(tunable: Tunable) -> Tunable:
    return _first(tunable, 2) if tunable.slots else tunable


def _one_slot(tunable: Tunable) -> Tunable:
    return _first(tunable, 1) if tunable.slots else tunable


def _first(tunable: Tunable, count: int) -> Tunable:
    values = tunable.values[:count]
    return replace(tunable, values=values, default=tunable.default if tunable.default in values else values[-1])


def _one_engine(tunable: Tunable) -> Tunable:
    return _one_choice(tunable) if tunable.name.startswith("engine.") else tunable


def _one_choice(tunable: Tunable) -> Tunable:
    return replace(tunable, values=(tunable.default,)) if tunable.kind == "knob" else tunable
