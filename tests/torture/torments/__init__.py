"""All torments, by name."""

from __future__ import annotations

from ..torment import Torment
from . import budgets, calls, chips, commands, disks, forks, interrupts, kills, results, texts, timing, values

_ALL = (
    values.JUDGED,
    values.MUTANTS,
    values.REFERENCED,
    timing.TIMING,
    texts.TEXTS,
    texts.COMMANDED,
    chips.CHIPS,
    results.RESULTS,
    results.DAMAGED,
    commands.COMMANDS,
    calls.CALLS,
    forks.THREADS,
    forks.FORKS,
    kills.KILLS,
    kills.TUNERS,
    interrupts.INTERRUPTS,
    disks.DISKS,
    budgets.BUDGETS,
)

TORMENTS: dict[str, Torment] = {each.name: each for each in _ALL}
