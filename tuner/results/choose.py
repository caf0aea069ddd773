"""Chooses a configuration without tuning: the tuned entry, an adapted entry of a near shape, or the model's own pick."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tilery.backends import emulator
from tilery.backends.chips import Chip
from tilery.backends.tunable import Choice
from tilery.dsl import program
from tilery.dsl.errors import UsageError

from ..model.engine_model import EngineModel
from ..model.protocol import Model, Refused
from ..space.tile_choices import tile_sizes
from .adapt import adapt
from .entry import Entry, Key, Prints, key_of, prints_of

Origin = Literal["tuned", "nearest", "borrowed", "default", "cores", "emulator"]
"""Where a configuration comes from. `tuned`: the entry of this shape and chip. `nearest`: an entry of another shape.
`borrowed`: an entry of another chip. `default`: the model's pick. `cores`: the model's pick for several cores, where it is
faster than the best for one. `emulator`: tiles that suit numpy, for values only."""

TRIES = 4
"""How many near entries are adapted before the default is taken."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A configuration and where it comes from."""

    config: Mapping[str, Choice]
    origin: Origin
    entry: Entry | None
    """The entry it was made from, unless it is the default."""
    stale: tuple[Entry, ...]
    """Entries of this key that are stale: the kernel or the chip has changed since."""

    def note(self, command: str) -> str:
        """A sentence about the choice for the user, with the command that tunes. Empty for a tuned entry."""
        found = {
            "tuned": "",
            "nearest": "no tuned entry for this shape, so the nearest one is adapted",
            "borrowed": "NO TUNED ENTRY FOR THIS CHIP, so one of another chip is borrowed",
            "default": "no tuned entry, so the model's default is used",
            "cores": "",
            "emulator": "no tuned entry for this shape, so the emulator takes tile sizes of its own",
        }[self.origin]
        if not found:
            return ""
        source = f" ({self.entry.key})" if self.entry else ""
        stale = ""
        if self.stale:
            count = "1 tuned entry is" if len(self.stale) == 1 else f"{len(self.stale)} tuned entries are"
            stale = f"; {count} stale, because the kernel or the chip has changed since"
        return f"{found}{source}{stale}. To tune it: {command}"


def choose(kernel: program.Program, dims: Mapping[str, int], chip: Chip, entries: Sequence[Entry], cores: int = 1) -> Chosen:
    """The configuration for a specialised kernel and a shape; see `pick`. For several cores: an entry for that number of cores,
    else the faster of the best for one core and the model's pick."""
    prints = prints_of(kernel, chip)
    if cores > 1:
        several = EngineModel(kernel, dims, chip, cores)
        found = pick(several, key_of(kernel, dims, chip, cores), prints, entries)
        if found.origin != "default":
            return found
        return _for_cores(several, pick(EngineModel(kernel, dims, chip), key_of(kernel, dims, chip), prints, entries))
    return pick(EngineModel(kernel, dims, chip), key_of(kernel, dims, chip), prints, entries)


def choose_for_values(kernel: program.Program, dims: Mapping[str, int], chip: Chip, entries: Sequence[Entry]) -> Chosen:
    """The tiles that the emulator uses: those of the tuned entry, or its own. Nothing is lowered."""
    key, prints = key_of(kernel, dims, chip), prints_of(kernel, chip)
    alike = [each for each in entries if _serves(each.key, key)]
    stale = tuple(each for each in alike if _stale(each, key, prints))
    for entry in sorted((each for each in alike if each.key == key and each not in stale), key=_preference):
        if _can_emulate(kernel, entry.config):
            return Chosen(entry.config, "tuned", entry, ())
    return Chosen(emulator.own_tiles(kernel, dims), "emulator", None, stale)


def _can_emulate(kernel: program.Program, config: Mapping[str, Choice]) -> bool:
    """Whether a configuration has a value that the text allows for every choice that the text leaves open."""
    if any(config.get(each.name, each.default) not in each.choices for each in kernel.tunes):
        return False
    sizes = tile_sizes(kernel, config)
    return all(each.axis.unit or sizes.get(each.axis.name, 0) >= 1 for each in kernel.loop_variables)


def _for_cores(model: Model, chosen: Chosen) -> Chosen:
    """The faster of the best for one core and the model's pick for several: large tiles leave cores without work."""
    own = model.default()
    if model.measure(own).latency_us < model.measure(chosen.config).latency_us:
        return Chosen(own, "cores", None, chosen.stale)
    return chosen


def pick(model: Model, key: Key, prints: Prints, entries: Sequence[Entry]) -> Chosen:
    """The tuned entry of `key`; without one, the faster of an adapted near entry and the model's default. Never tunes. Raises
    `Infeasible` if nothing fits the chip."""
    alike = [each for each in entries if _serves(each.key, key)]
    stale = tuple(each for each in alike if _stale(each, key, prints))
    fresh = [each for each in alike if each not in stale]
    for entry in sorted(fresh, key=_preference):
        # A newer engine model may find that the winner does not fit: then a runner-up is used.
        for config in (entry.config, *(each.config for each in entry.runners_up)) if entry.key == key else ():
            if _feasible_us(model, config) is not None:
                return Chosen(config, "tuned", entry, ())
    default = model.default()
    bar_us = model.measure(default).latency_us
    here = [each for each in fresh if each.key.chip == key.chip]
    for entry in sorted(here or fresh, key=lambda each: _distance(each.key, key))[:TRIES]:
        config = adapt(entry.config, model.tunables)
        latency_us = _feasible_us(model, config)
        if latency_us is not None and latency_us < bar_us:
            return Chosen(config, "nearest" if here else "borrowed", entry, stale)
    return Chosen(default, "default", None, stale)


def _preference(entry: Entry) -> tuple[bool, bool]:
    """Sort key: measured entries come before modelled ones, and latency before other objectives."""
    return entry.measured is None, not entry.objective.startswith("latency")


def _serves(candidate: Key, key: Key) -> bool:
    """Whether an entry differs from the key in shape and chip at most."""
    alike = (candidate.kernel, candidate.types, candidate.constants, candidate.cores)
    return alike == (key.kernel, key.types, key.constants, key.cores) and set(candidate.dims) == set(key.dims)


def _stale(entry: Entry, key: Key, prints: Prints) -> bool:
    if entry.prints.program != prints.program:
        return True
    return entry.key.chip == key.chip and entry.prints.chip != prints.chip


def _distance(candidate: Key, key: Key) -> float:
    """How far apart two shapes are: the ratios of their extents, as logarithms."""
    return sum(abs(math.log2(candidate.dims[name] / size)) for name, size in key.dims.items())


def _feasible_us(model: Model, config: Mapping[str, Choice]) -> float | None:
    try:
        return model.measure(config).latency_us
    except (Refused, UsageError):
        # An entry may name a knob that this version of the engine no longer has.
        return None
