"""The feasible configurations of a `Search`, as rows of choice indices, and the distances between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tilery.dsl.errors import UsageError

from .feasibility import Landscape
from .given import Value, domains

Configuration = dict[str, Value]
Constraint = Callable[[Mapping[str, Value]], bool]
Rows = NDArray[np.int16]
"""Choice indices, shape [configuration, parameter]."""
Row = tuple[int, ...]

WHOLE = 200_000
"""A larger space is sampled, and the sample grows around good configurations."""
SAMPLE = 20_000
"""The size of the first sample of a larger space."""
TRIES = 10
"""The sample is drawn from at most so many times as many configurations."""


@dataclass
class Pool:
    """Feasible configurations without repetition."""

    names: tuple[str, ...]
    values: tuple[tuple[Value, ...], ...]
    """The domain of each parameter."""
    rows: Rows
    whole: bool
    """True if the pool holds every feasible configuration."""
    bounds: NDArray[np.float64] | None = None
    """A model's prediction for each configuration; lower is better."""
    constraint: Constraint | None = None
    bounds_of: Callable[[Rows], NDArray[np.float64]] | None = None
    """The model's predictions for any rows; infinite if infeasible."""
    places: dict[Row, int] = field(init=False)
    """The row number of each configuration."""

    def __post_init__(self) -> None:
        self.places = {tuple(row): place for place, row in enumerate(self.rows.tolist())}

    def configuration(self, place: int) -> Configuration:
        """The configuration in a row."""
        return self._named(self.rows[place].tolist())

    def row(self, config: Mapping[str, Value]) -> Row:
        """A configuration as choice indices. Raises `UsageError` if a name or a value is unknown."""
        if not isinstance(config, Mapping):
            raise UsageError(f"a configuration is a mapping of names to values; this is {config!r}")
        if set(config) != set(self.names):
            raise UsageError(
                f"a configuration of this space says {', '.join(self.names)}; this one {', '.join(map(str, config)) or 'nothing'}"
            )
        try:
            return tuple(values.index(config[name]) for name, values in zip(self.names, self.values, strict=True))
        except ValueError:
            raise UsageError(f"no configuration of this space: {dict(config)}") from None

    def place(self, config: Mapping[str, Value]) -> int:
        """The row number of a configuration, which is added if the pool is a sample without it. Raises `UsageError` if it is
        infeasible."""
        row = self.row(config)
        if row not in self.places:
            if self.whole or not self._allowed([row]):
                raise UsageError(f"this configuration is not feasible: {dict(config)}")
            self._append([row])
        return self.places[row]

    def grow(self, place: int) -> None:
        """Adds to a sample the configurations that differ in one parameter from the one at `place`."""
        centre = self.rows[place].tolist()
        around = (
            (*centre[:number], digit, *centre[number + 1 :])
            for number, values in enumerate(self.values)
            for digit in range(len(values))
        )
        self._append(self._allowed([row for row in around if row not in self.places]))

    def _append(self, rows: Sequence[Row]) -> None:
        if rows:
            self.places |= {row: len(self.rows) + number for number, row in enumerate(rows)}
            new = np.array(rows, np.int16)
            self.rows = np.concatenate([self.rows, new])
            if self.bounds is not None and self.bounds_of is not None:
                self.bounds = np.concatenate([self.bounds, self.bounds_of(new)])

    def _allowed(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The feasible ones of these configurations."""
        if self.bounds_of is not None and rows:
            return [row for row, bound in zip(rows, self.bounds_of(np.array(rows, np.int16)), strict=True) if np.isfinite(bound)]
        return [row for row in rows if self.constraint is None or self.constraint(self._named(row))]

    def _named(self, row: Row) -> Configuration:
        return {name: values[digit] for name, values, digit in zip(self.names, self.values, row, strict=True)}


def listed(space: Mapping[str, Iterable[Value]], constraint: Constraint | None, seed: int) -> Pool:
    """The pool of a mapping of parameters to values. Raises `UsageError` if no configuration is feasible."""
    named = domains(space)
    values = tuple(named.values())
    pool = Pool(tuple(named), values, np.empty((0, len(values)), np.int16), False, constraint=constraint)
    radices = [len(each) for each in values]
    if math.prod(radices) <= WHOLE:
        rows = list(pool._allowed(list(product(*map(range, radices)))))
    else:
        rows = _drawn(pool, radices, np.random.default_rng(seed))
    if not rows:
        tried = "" if math.prod(radices) <= WHOLE else f" of {TRIES * SAMPLE:,} random ones; name what is feasible more narrowly"
        raise UsageError(f"no configuration of this space meets the constraint{tried}")
    pool._append(rows)
    pool.whole = math.prod(radices) <= WHOLE
    return pool


def screened(landscape: Landscape) -> Pool:
    """The pool of a kernel's space: the configurations worth timing with the best lower bounds. Others can be added later."""
    order, space = landscape.order[:SAMPLE], landscape.space
    return Pool(
        tuple(each.name for each in space.tunables),
        tuple(each.values for each in space.tunables),
        space.digits(order).astype(np.int16),
        landscape.whole and len(order) == landscape.feasible,
        landscape.bounds[:SAMPLE],
        bounds_of=lambda rows: landscape.bounds_of(space.indices(rows.astype(np.int64))),
    )


def _drawn(pool: Pool, radices: Sequence[int], generator: np.random.Generator) -> list[Row]:
    rows: dict[Row, None] = {}
    for _ in range(TRIES):
        for drawn in generator.integers(radices, size=(SAMPLE, len(radices))).tolist():
            row = tuple(drawn)
            if row not in rows and pool._allowed([row]):
                rows[row] = None
                if len(rows) == SAMPLE:
                    return list(rows)
    return list(rows)
