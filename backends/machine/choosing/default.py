"""The default configuration of an untuned kernel, picked by the model in well under a second.

The best lower bounds of a spread of configurations are timed exactly, and from the fastest a short descent is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilery.backends.chips import Chip
from tilery.backends.tunable import Choice, Config, Tunable
from tilery.dsl.program import Program

from ..errors import Infeasible
from ..time.dealing import busiest_share
from ..time.timing import latency_fs
from .assemble import assembled, completed, lower, tunables
from .downhill import Downhill
from .screen import Columns, Screening, screen
from .unfit import nothing_fits

STRUCTURES = 32
"""How many combinations of structural choices are screened."""
EACH = 64
"""How many configurations of each are screened."""
TIMED = 16
"""How many configurations with the lowest bounds are timed."""
SPREADS = 8
"""How many spreads are screened at most, each with other structures, until something fits."""


def default_config(
    kernel: Program, dims: Mapping[str, int], chip: Chip, given: Config | None = None, cores: int = 1
) -> dict[str, Choice]:
    """The pick for a kernel at some shapes on a chip, or on several of its cores; the same at every call.

    Choices in `given` are kept, and the others picked to go with them; element types stay the defaults of the text. Raises
    `Infeasible` if none of the screened configurations fits, naming the limit that is exceeded least and what would help;
    `UsageError` if a given name is unknown or its value is none of its choices.
    """
    # Element types change the results: only the user, or a search with a limit on the error, may choose them.
    given = {each.name: each.default for each in kernel.tunes if isinstance(each.default, str)} | dict(given or {})
    settable = tunables(kernel, dims, chip, settable=True)
    completed(settable, given)
    searched, usual = ({each.name: each for each in tunables(kernel, dims, chip, short=short)} for short in (True, False))
    space = tuple(
        each if each.name in given else searched[each.name] for each in settable if each.name in given or each.name in searched
    )
    near = tuple(each if each.name in given else usual[each.name] for each in space)
    within = _Space(kernel, dims, chip, space, given, cores)
    columns, bounds = within.spread(near)
    configs = within.configs(columns)
    feasible = np.flatnonzero(np.isfinite(bounds))
    ordered = feasible[np.argsort(bounds[feasible], kind="stable")]
    best = [row for half in (ordered < STRUCTURES * EACH, ordered >= STRUCTURES * EACH) for row in ordered[half][:TIMED]]
    timed = [(latency, int(row)) for row in best if (latency := within.latency(configs[int(row)])) is not None]
    if not timed:
        lower(kernel, dims, chip, configs[int(best[0])])  # a given size that is no choice of the space, and does not fit
    latency, row = min(timed)
    free = tuple(each for each in space if each.name not in given)
    return Downhill(space, free, within.latency).down(configs[row], latency)


@dataclass(frozen=True, slots=True)
class _Space:
    """The configurations of a kernel that have what is given, as arrays of places in the choices of every tunable."""

    kernel: Program
    dims: Mapping[str, int]
    chip: Chip
    space: tuple[Tunable, ...]
    given: Config
    cores: int

    def spread(self, near: tuple[Tunable, ...]) -> tuple[Columns, NDArray[np.float64]]:
        """The first spread in which something fits, with its lower bounds; raises `Infeasible` if nothing does."""
        for seed in range(SPREADS):
            columns = _spread(near, self.space, seed)
            for each in self.space:
                if each.name in self.given:
                    columns[each.name][:] = _nearest(each, self.given[each.name])
            screening = screen(self.kernel, self.dims, self.chip, columns, within=self.space)
            if (screening.limit == 0).any():
                return columns, self._bounds(columns, screening)
        least = self.configs(columns)[int(np.argmin(screening.over))]
        raise nothing_fits(assembled(self.kernel, self.dims, self.chip, least))

    def configs(self, columns: Columns) -> list[dict[str, Choice]]:
        """The rows of the arrays, each with the given choices as they were given."""
        chosen = [[each.values[place] for place in columns[each.name].tolist()] for each in self.space]
        names = [each.name for each in self.space]
        rows = zip(*chosen, strict=True) if names else [()]
        return [dict(zip(names, row, strict=True)) | dict(self.given) for row in rows]

    def _bounds(self, columns: Columns, screening: Screening) -> NDArray[np.float64]:
        bounds = np.where(screening.limit == 0, screening.lower_bound_us, np.inf)
        if self.cores == 1:
            return bounds
        fits = np.flatnonzero(screening.limit == 0)
        configs = self.configs({name: column[fits] for name, column in columns.items()})
        bounds[fits] *= [busiest_share(self.kernel, self.dims, each, self.cores) for each in configs]
        return bounds

    def latency(self, config: Config) -> int | None:
        """The exact latency in femtoseconds, if the configuration fits."""
        try:
            return latency_fs(lower(self.kernel, self.dims, self.chip, config, self.cores))
        except Infeasible:
            return None


def _nearest(tunable: Tunable, value: Choice) -> int:
    """The place of a value in a tunable's choices, or of the nearest choice."""
    if value in tunable.values:
        return tunable.values.index(value)
    return min(range(len(tunable.values)), key=lambda place: abs(int(tunable.values[place]) - int(value)))


def _spread(usual: tuple[Tunable, ...], space: tuple[Tunable, ...], seed: int) -> dict[str, NDArray[np.integer]]:
    """Places in the space: a spread with the usual tile sizes; where there are short ones, too, another one with all."""
    columns = _drawn(usual, seed)
    if all(len(one.values) == len(other.values) for one, other in zip(usual, space, strict=True)):
        return columns
    among = _drawn(space, seed)
    places = {one.name: [other.values.index(value) for value in one.values] for one, other in zip(usual, space, strict=True)}
    return {name: np.concatenate([np.array(places[name])[columns[name]], among[name]]) for name in columns}


def _drawn(space: tuple[Tunable, ...], seed: int) -> dict[str, NDArray[np.integer]]:
    """Seeded random configurations, after the two likeliest to fit: smallest tiles and fewest slots, and the defaults.

    Structures are drawn first, and numbers for each: bounds are computed a structure at a time.
    """
    generator = np.random.default_rng(seed)
    columns: dict[str, NDArray[np.integer]] = {}
    for each in space:
        if each.kind == "knob" and each.structural:
            columns[each.name] = np.repeat(generator.integers(0, len(each.values), STRUCTURES), EACH)
        else:
            columns[each.name] = generator.integers(0, len(each.values), STRUCTURES * EACH)
        columns[each.name][0] = 0
        columns[each.name][1] = each.values.index(each.default)
    return columns
