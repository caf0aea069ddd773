"""The result of a tuning, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tilery.backends.tunable import Choice

from .importance import Importance
from .progress import Stop


@dataclass(frozen=True, slots=True)
class Scored:
    """A configuration and its predicted latency."""

    latency_us: float
    config: Mapping[str, Choice]
    measured_us: float | None = None
    """Where latencies were measured."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A finalist that was fast and wrong."""

    latency_us: float
    config: Mapping[str, Choice]
    problem: str


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A configuration that no other found beats in every objective."""

    values: Mapping[str, float]
    """By objective, with its unit: `latency_us`, `energy_j`, `cost_usd`, `error`."""
    latency_us: float
    bound: str
    config: Mapping[str, Choice]
    max_error: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Measured latencies of the winner and the default, and how well the model agrees."""

    command: str
    """What measured: a command line, or the name of a function."""
    latency_us: float
    """Of the winner."""
    default_latency_us: float | None
    """None if the default could not be measured."""
    gain: float | None
    """How many times faster than the default the winner was measured to be."""
    agreement: float | None
    """Spearman's rank correlation of predicted and measured latencies; None where they are too few to say."""
    count: int
    """How many configurations gave a latency."""
    failures: Mapping[str, int]
    """How many did not, by reason."""
    best: tuple[Scored, ...]
    """The fastest ones measured, whether they are right or not."""


@dataclass(frozen=True, slots=True)
class Result:
    """The winner of a tuning, and the space that it was found in."""

    kernel: str
    chip: str
    types: Mapping[str, str]
    dims: Mapping[str, int]
    constants: Mapping[str, int | bool]
    objective: str
    config: Mapping[str, Choice]
    """The winner."""
    latency_us: float
    bound: str
    """What bounds the winner: an engine, DMA or HBM."""
    peak_share: float
    """Its share of the chip's peak arithmetic, 0 to 1."""
    default_config: Mapping[str, Choice]
    default_latency_us: float
    gain: float
    """How many times faster than the default the winner is."""
    max_error: float
    """The winner's largest error against the reference, relative to the scale of the result."""
    tolerance: float
    verified_dims: Mapping[str, int]
    """The shape at which it was executed."""
    space: int
    """How many configurations there are."""
    screened: int
    """How many were checked against the chip's limits; less than `space` only for very large spaces."""
    feasible: int
    """How many of those fit the chip."""
    ruled_out: Mapping[str, int]
    """How many of those each limit removed."""
    evaluated: int
    """How many were timed exactly."""
    stop: Stop
    """Why the search ended; `proved` says that no feasible configuration is faster."""
    headroom: float
    """By what share of its latency any other screened configuration might at most be faster; 0 where that is proved.

    NaN for the objective `measured`: of a chip nothing is known but what was measured."""
    runners_up: tuple[Scored, ...]
    rejected: tuple[Rejected, ...]
    """Faster ones that gave wrong values."""
    sampler: str
    seed: int
    wall_s: float
    values: Mapping[str, float] = field(default_factory=dict)
    """The winner's objectives, as in `FrontPoint`."""
    default_values: Mapping[str, float] = field(default_factory=dict)
    front: tuple[FrontPoint, ...] = ()
    """With several objectives: the configurations to choose from, the winner among them as the best of the first objective."""
    importance: tuple[Importance, ...] = ()
    """What every knob is worth, what matters most first."""
    max_error_allowed: float | None = None
    """The error bound under which element types were chosen."""
    structures: int = 0
    """How many combinations of structural choices there are (loop orders, engines, what stays on the chip); 0 if not known."""
    structures_screened: int = 0
    """How many of them were screened before the time for it ended."""
    reduced: int = 0
    """How many tunables have fewer choices in the space than the chip offers, because it would be too large otherwise."""
    rounding_error: float = 0.0
    """The part of `max_error` that comes from rounding to the result's type. No kernel avoids it."""
    rounded_to: str = ""
    """The element type of the result with that error."""
    measured: Measured | None = None
    """For the objective `measured`; `latency_us` and `gain` are then still the model's."""
