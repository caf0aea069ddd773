"""What a calibration found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moved:
    """A constant that the measurements moved."""

    name: str
    before: float
    after: float
    error: float
    """The standard error of its factor: 0.03 is 3 %."""
    at_bound: bool
    """True: it would have gone further."""
    like: tuple[str, ...]
    """Constants that the measurements do not tell apart from it, so that the truth may lie in one of those."""


@dataclass(frozen=True, slots=True)
class Line:
    """A measurement with its predictions, in microseconds."""

    label: str
    measured_us: float
    before_us: float
    after_us: float
    left_out_us: float
    """Predicted by constants that were fitted without it."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Constants moved, errors before and after, and what the measurements do not say."""

    moved: Sequence[Moved]
    unseen: Sequence[str]
    """Constants that no measurement depends on: by less than a thousandth where they change by as much as they are."""
    alike: Sequence[tuple[str, ...]]
    """Groups of constants whose changes the measurements do not tell apart."""
    lines: Sequence[Line]
    error_before: float
    """The mean absolute error of the chip as it was."""
    error_after: float
    """The same on the measurements that the constants were fitted on."""
    error_left_out: float
    """The same where each measurement is predicted by constants that were chosen and fitted without it: what to expect."""
    folds: int
