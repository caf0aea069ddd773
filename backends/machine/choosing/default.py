"""The default configuration of an untuned kernel, picked by the model in well under a second.

The best lower bounds of a spread of configurations are timed exactly, and from the fastest short descents are made. How many
timings there are depends on how long one of this kernel takes, counted in events, so that the pick is the same every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilery.backends.chips import Chip
from tilery.backends.tunable import Choice, Config, Tunable
from tilery.dsl.program import Program

from ..errors import Infeasible
from ..time.dealing import busiest_share
from ..time.resolving import FS_PER_US
from ..time.timing import Walk, latency_fs
from .assemble import assembled, completed, lower, tunables
from .downhill import Downhill
from .screen import Columns, Screening, screen
from .unfit import nothing_fits

STRUCTURES = 16
"""How many combinations of structural choices are screened."""
EACH = 128
"""How many configurations of each are screened."""
TIMED = 12
"""How many configurations with the lowest bounds are timed: the lowest ones of each structure,"""
OF_ONE = 3
"""so many of each."""
STARTS = 3
"""From how many of the fastest there is a way down, if there are timings left."""
WORK, OF_AN_INSTRUCTION = 100_000, 30
"""How many events all timings on the ways down may walk. To lower an instruction takes as long as so many events."""
LEAST_STEPS, MOST_STEPS = 24, 240
"""How many timings these are at least and at most."""
SPREADS = 8
"""How many spreads are screened at most, each with other structures, until something fits."""

Enough = Callable[[], bool]
"""Whether there is no time for another timing."""


def default_config(
    kernel: Program,
    dims: Mapping[str, int],
    chip: Chip,
    given: Config | None = None,
    cores: int = 1,
    enough: Enough = lambda: False,
) -> dict[str, Choice]:
    """The pick for a kernel at some shapes on a chip, or on several of its cores; the same at every call.

    Choices in `given` are kept, and the others picked to go with them; element types stay the defaults of the text. `enough` may
    end it early, with the best so far. Raises `Infeasible` if none of the screened configurations fits, naming the limit that is
    exceeded least and what would help; `UsageError` if a given name is unknown or its value is none of its choices.
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
    within = _Space(kernel, dims, chip, space, given, cores, enough)
    columns, bounds = within.spread(near)
    timed = within.timed(columns, bounds)
    free = tuple(each for each in space if each.name not in given)
    way = Downhill(space, free, within.latency, within.steps(timed[0][1]), enough)
    return min((way.down(config, latency) for latency, config in timed[:STARTS]), key=lambda end: end[1])[0]


@dataclass(frozen=True, slots=True)
class _Space:
    """The configurations of a kernel that have what is given, as arrays of places in the choices of every tunable."""

    kernel: Program
    dims: Mapping[str, int]
    chip: Chip
    space: tuple[Tunable, ...]
    given: Config
    cores: int
    enough: Enough

    def spread(self, near: tuple[Tunable, ...]) -> tuple[Columns, NDArray[np.float64]]:
        """The first spread in which something fits, with its lower bounds; raises `Infeasible` if nothing does."""
        for seed in range(SPREADS):
            columns = _spread(near, self.space, seed)
            for each in self.space:
                if each.name in self.given:
                    columns[each.name][:] = _nearest(each, self.given[each.name])
            bounds, over = self._screened(columns)
            if np.isfinite(bounds).any():
                return columns, bounds
        least = self.configs(columns)[int(np.argmin(over))]
        raise nothing_fits(assembled(self.kernel, self.dims, self.chip, least))

    def _screened(self, columns: Columns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The lower bounds, infinite for what does not fit, and by how much it does not.

        The first structure, three more, and the others are screened one after the other, as long as there is time.
        """
        count = len(next(iter(columns.values()))) if columns else 1
        bounds, over = np.full(count, np.inf), np.full(count, np.inf)
        for part in np.split(np.arange(count), [EACH, 4 * EACH]):
            if not len(part) or (np.isfinite(bounds).any() and self.enough()):
                break
            some = {name: column[part] for name, column in columns.items()}
            screening = screen(self.kernel, self.dims, self.chip, some, within=self.space)
            bounds[part], over[part] = self._bounds(some, screening), screening.over
        return bounds, over

    def configs(self, columns: Columns) -> list[dict[str, Choice]]:
        """The rows of the arrays, each with the given choices as they were given."""
        chosen = [[each.values[place] for place in columns[each.name].tolist()] for each in self.space]
        names = [each.name for each in self.space]
        rows = zip(*chosen, strict=True) if names else [()]
        return [dict(zip(names, row, strict=True)) | dict(self.given) for row in rows]

    def timed(self, columns: Columns, bounds: NDArray[np.float64]) -> list[tuple[int, dict[str, Choice]]]:
        """Those of the lowest bounds with their latencies in femtoseconds, the fastest of each structure, fastest first."""
        configs = self.configs(columns)
        found: dict[int, tuple[int, dict[str, Choice]]] = {}
        for row in _lowest(bounds):
            best = min((latency for latency, _ in found.values()), default=None)
            if best is not None and (bounds[row] * FS_PER_US >= best or self.enough()):
                break
            latency = self.latency(configs[row])
            known = found.get(row // EACH)
            if latency is not None and (known is None or latency < known[0]):
                found[row // EACH] = latency, configs[row]
        if not found:
            # A given size that is no choice of the space, and does not fit.
            lower(self.kernel, self.dims, self.chip, configs[int(np.argmin(bounds))])
        return sorted(found.values(), key=lambda each: each[0])

    def steps(self, config: Config) -> int:
        """How many timings like that of a configuration there may be."""
        program = lower(self.kernel, self.dims, self.chip, config, self.cores)
        walk = Walk(program)
        walk.run()
        one = walk.events + OF_AN_INSTRUCTION * sum(1 for _ in program.structure.instructions())
        return min(MOST_STEPS, max(LEAST_STEPS, WORK // one))

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


def _lowest(bounds: NDArray[np.float64]) -> Iterator[int]:
    """Rows by their bounds, lowest first, `OF_ONE` of each structure: `TIMED` with the usual tile sizes, `TIMED` with short."""
    taken: dict[int, int] = {}
    usual = STRUCTURES * EACH
    left = [TIMED, TIMED if len(bounds) > usual else 0]
    for row in np.argsort(bounds, kind="stable").tolist():
        short, structure = int(row >= usual), row // EACH
        if np.isfinite(bounds[row]) and left[short] and taken.get(structure, 0) < OF_ONE:
            taken[structure] = taken.get(structure, 0) + 1
            left[short] -= 1
            yield row


def _drawn(space: tuple[Tunable, ...], seed: int) -> dict[str, NDArray[np.integer]]:
    """Seeded random configurations, after the two likeliest to fit: smallest tiles and fewest slots, and the defaults.

    Structures are drawn first, and numbers for each: bounds are computed a structure at a time. The first structure is the
    default one, and later ones leave it in more and more choices. Slots cost no time: every second configuration has the most.
    """
    generator = np.random.default_rng(seed)
    columns: dict[str, NDArray[np.integer]] = {}
    for each in space:
        if each.kind == "knob" and each.structural:
            leaves = generator.random(STRUCTURES) * (STRUCTURES - 1) < np.arange(STRUCTURES)
            drawn = np.where(leaves, generator.integers(0, len(each.values), STRUCTURES), each.values.index(each.default))
            columns[each.name] = np.repeat(drawn, EACH)
        else:
            columns[each.name] = generator.integers(0, len(each.values), STRUCTURES * EACH)
            if each.slots:
                columns[each.name][::2] = len(each.values) - 1
        columns[each.name][0] = 0
        columns[each.name][1] = each.values.index(each.default)
    return columns
