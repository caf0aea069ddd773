"""A space that is known whole: what every configuration of a made-up kernel measures, with the roughness of real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[np.int64]]
"""Values by parameter; of a parameter with names the place of each name."""
Values = NDArray[np.float64]
Numbers = NDArray[np.floating] | NDArray[np.integer]
Value = int | str | bool
Row = tuple[Value, ...]

ROUGH = 0.01
"""What a compiler makes of three parameters at once is in no formula: the standard deviation of a factor a combination."""
TRIPLES = 4
"""How many such combinations of parameters there are."""
NOISE = 0.005
"""The standard deviation of a measurement, as a share: spaces are published as the mean of 7 to 32 runs."""


@dataclass(frozen=True)
class Brute:
    """A space and what every feasible configuration measures, in microseconds; infinite where it fails when run."""

    name: str
    space: Mapping[str, tuple[Value, ...]]
    table: Mapping[Row, float]

    @cached_property
    def best(self) -> float:
        """The optimum."""
        return min(self.table.values())

    def share_within(self, ratio: float) -> float:
        """The share of the feasible configurations that measure at most `ratio` times the optimum."""
        return float(np.mean(np.fromiter(self.table.values(), float) <= ratio * self.best))

    @property
    def median(self) -> float:
        """The median configuration, over the optimum."""
        return float(np.median(np.fromiter(self.table.values(), float))) / self.best

    def feasible(self, config: Mapping[str, object]) -> bool:
        """The constraint as a search is given it; configurations that fail when run pass it."""
        return tuple(config.values()) in self.table

    def measure(self, config: Mapping[str, object]) -> float:
        """What the configuration measures."""
        return self.table[tuple(config.values())]  # type: ignore[arg-type]


def brute(
    name: str,
    space: Mapping[str, tuple[Value, ...]],
    allowed: Callable[[Columns], NDArray[np.bool_]],
    time: Callable[[Columns], Values],
    steepness: float = 1.5,
) -> Brute:
    """The space of a formula; `steepness` is the power to which its ratios are raised."""
    digits = np.array(list(product(*(range(len(each)) for each in space.values()))), dtype=np.int64)
    columns = {key: _numbers(values)[column] for (key, values), column in zip(space.items(), digits.T, strict=True)}
    kept = allowed(columns)
    digits, columns = digits[kept], {key: column[kept] for key, column in columns.items()}
    microseconds = time(columns)
    microseconds = microseconds.min() * (microseconds / microseconds.min()) ** steepness
    generator = np.random.default_rng(len(digits))
    microseconds *= _rough(digits, generator) * np.exp(generator.normal(0, NOISE, len(digits)))
    domains = list(space.values())
    keys = [tuple(domain[place] for domain, place in zip(domains, row, strict=True)) for row in digits.tolist()]
    return Brute(name, space, dict(zip(keys, microseconds.tolist(), strict=True)))


def _numbers(values: tuple[Value, ...]) -> NDArray[np.int64]:
    return np.array([place if isinstance(each, str) else int(each) for place, each in enumerate(values)], np.int64)


def _rough(digits: NDArray[np.int64], generator: np.random.Generator) -> Values:
    factor = np.ones(len(digits))
    sizes = digits.max(axis=0) + 1
    for _ in range(TRIPLES):
        chosen = generator.choice(len(sizes), min(3, len(sizes)), replace=False)
        table = np.exp(generator.normal(0, ROUGH, sizes[chosen]))
        factor *= table[tuple(digits[:, chosen].T)]
    return factor


def occupancy(threads: Numbers, registers: Numbers, shared: Numbers) -> Values:
    """The share of 2,048 resident threads that a processor with 64 Ki registers and 96 KiB holds: a staircase."""
    blocks = np.minimum(
        2048 // threads, np.minimum(65536 // (threads * np.minimum(registers, 255)), 98304 // np.maximum(shared, 1))
    )
    return np.asarray(np.minimum(blocks, 32) * threads / 2048)
