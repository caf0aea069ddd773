"""What the search asks of a machine model; the search knows nothing else of chips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tilery.backends.tunable import Choice, Config, Tunable


class Screening(Protocol):
    """What can be said of many configurations at once, by arithmetic alone."""

    @property
    def limit(self) -> NDArray[np.integer]:
        """Per configuration: 0 if it is feasible, else 1 + the place in `limits` of what it violates."""

    @property
    def limits(self) -> tuple[str, ...]:
        """The names of the limits."""

    @property
    def lower_bound_us(self) -> NDArray[np.floating]:
        """Per configuration: a latency that the exact one is never below."""


class Footprint(Protocol):
    """What can be said by arithmetic alone of configurations that differ in tile sizes and slots only.

    What they take of each limited memory is a sum: `fixed`, and for every slot of a tunable what `each` says.
    """

    @property
    def limits(self) -> tuple[str, ...]:
        """The names of the limits."""

    @property
    def capacity(self) -> NDArray[np.float64]:
        """How much there is of each."""

    @property
    def fixed(self) -> NDArray[np.float64]:
        """Shape [limit, configuration]."""

    @property
    def each(self) -> Mapping[str, NDArray[np.float64]]:
        """By tunable of slots, those that make a difference: shape [limit, configuration]."""

    @property
    def lower_bound_us(self) -> NDArray[np.float64]:
        """A latency that the exact one is never below, with any number of slots."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The exact figures of one configuration."""

    latency_us: float
    on_chip_bytes: int
    """Bytes of on-chip memory per partition; of two equally fast configurations the smaller one wins."""
    values: tuple[float, ...] = ()
    """What is minimised, an objective each; none where it is the latency alone."""


class Named(Protocol):
    """An objective, as the search sees it."""

    @property
    def field(self) -> str:
        """Its name with its unit, `latency_us`."""


class Model(Protocol):
    """A machine model for one kernel, its shapes and one chip."""

    @property
    def tunables(self) -> tuple[Tunable, ...]:
        """What is to be chosen."""

    def default(self) -> Config:
        """The model's own pick; raises `Infeasible` if nothing is feasible."""

    def footprint(self, config: Config, tiles: Mapping[str, NDArray[np.integer]]) -> Footprint:
        """Memory and lower bounds of the structure of `config` with arrays of tile sizes."""

    def canonical(self, config: Config) -> Mapping[str, Choice]:
        """The structural choices that make a difference: configurations of equal ones are the same program."""

    def measure(self, config: Config) -> Measurement:
        """The exact latency of one configuration; raises `Infeasible` if it does not fit after all."""


class ManyModel(Model, Protocol):
    """A machine model with several objectives."""

    @property
    def objectives(self) -> Sequence[Named]:
        """What is minimised; `measure` gives a value for each."""

    def screen_all(self, columns: Mapping[str, NDArray[np.integer]]) -> tuple[Screening, NDArray[np.float64]]:
        """A screening, and lower bounds of shape [configuration, objective], infinite where infeasible."""
