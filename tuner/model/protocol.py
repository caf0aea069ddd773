"""The protocol of a machine model. The search knows nothing else of chips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tilery.backends.chips import Chip
from tilery.backends.tunable import Choice, Config, Tunable
from tilery.dsl import program
from tilery.dsl.errors import TileryError

from ..deadline import NEVER, Deadline
from ..objectives import Named
from ..verify.verification import Verification


class Refused(TileryError):
    """A configuration that a model cannot time, because it violates a limit that screening did not see."""

    def __init__(self, limit: str, why: str) -> None:
        super().__init__(why)
        self.limit = limit


class Screening(Protocol):
    """Arithmetic results for many configurations at once: which limits they exceed, and lower bounds."""

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
    """Arithmetic results for configurations that differ in tile sizes and slots only.

    The use of each limited memory is a sum: `fixed`, plus `each` for every slot of a tunable.
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


class Model(Protocol):
    """A machine model for one kernel, its shapes and one chip."""

    @property
    def tunables(self) -> tuple[Tunable, ...]:
        """What is to be chosen."""

    def default(self) -> Config:
        """The model's own pick; raises an error of its own if nothing is feasible."""

    def footprint(self, config: Config, tiles: Mapping[str, NDArray[np.integer]]) -> Footprint:
        """Memory and lower bounds of the structure of `config` with arrays of tile sizes."""

    def canonical(self, config: Config) -> Mapping[str, Choice]:
        """The structural choices that make a difference: configurations of equal ones are the same program."""

    def measure(self, config: Config) -> Measurement:
        """The exact latency of one configuration; raises `Refused` if it does not fit after all."""


class ManyModel(Model, Protocol):
    """A machine model with several objectives."""

    @property
    def objectives(self) -> Sequence[Named]:
        """What is minimised; `measure` gives a value for each."""

    def screen_all(self, columns: Mapping[str, NDArray[np.integer]]) -> tuple[Screening, NDArray[np.float64]]:
        """A screening, and lower bounds of shape [configuration, objective], infinite where infeasible."""


class Timing(Protocol):
    """What is reported of one configuration."""

    @property
    def latency_us(self) -> float:
        """The exact latency."""

    @property
    def bound(self) -> str:
        """What bounds it."""

    @property
    def peak_share(self) -> float:
        """Its share of the chip's peak arithmetic, 0 to 1."""


class TuningModel(ManyModel, Protocol):
    """A machine model whose winners can be executed: what a whole tuning asks for, beside the search."""

    def default(self, end: Deadline = NEVER) -> Config:
        """The model's own pick, the best so far once it is `end`."""

    @property
    def kernel(self) -> program.Program:
        """The specialised kernel."""

    @property
    def dims(self) -> Mapping[str, int]:
        """Its shape."""

    @property
    def chip(self) -> Chip:
        """For the record."""

    @property
    def cores(self) -> int:
        """How many share the work."""

    @property
    def names(self) -> tuple[str, ...]:
        """The objectives."""

    @property
    def max_error(self) -> float | None:
        """The largest error that is allowed."""

    @property
    def left_out(self) -> int:
        """How many of the tunables have fewer choices than the chip offers."""

    def report(self, config: Config) -> Timing:
        """The timing report of one configuration."""

    def verify(self, config: Config, seed: int, most_work: float) -> Verification:
        """Executes a configuration on a small shape with a product of extents of at most `most_work`, if there is one."""
