"""The options of a calibration: one record, checked in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tilery.dsl.errors import TileryError, UsageError
from tilery.dsl.report import did_you_mean

LEAST_ROWS = 6
"""With fewer measurements, one that is wrong decides."""
FARTHEST = 1000
ROWS_A_CONSTANT = 3
"""A constant is moved only if there are so many measurements for each that moves."""


class MeasurementsError(TileryError):
    """Measurements that no calibration can use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationOptions:
    """What may move, and how far."""

    names: tuple[str, ...] = ()
    """The constants that may move; none: all that the chip's family says."""
    launch: bool = False
    """Whether the measurements include the launch."""
    factor: float = 4.0
    """By what factor a constant moves at most, up or down."""
    gain: float = 0.1
    """The share of the error that a further constant has to take away."""

    def free(self, known: Sequence[str]) -> tuple[str, ...]:
        """The constants that may move, of those known. `UsageError` names one that is not."""
        for name in self.names:
            if name not in known:
                raise UsageError(f"--move {name}: {did_you_mean(name, known) or 'there are ' + ', '.join(known)}")
        return tuple(dict.fromkeys(self.names)) or tuple(known)

    def check(self) -> None:
        """Raises `UsageError` for a factor that goes nowhere."""
        if not 1 < self.factor <= FARTHEST:
            raise UsageError(f"--factor {self.factor:g}: a number over 1 is expected, {FARTHEST} at most")

    def check_number(self, rows: int) -> None:
        """Raises `MeasurementsError` for too few measurements."""
        if rows < LEAST_ROWS:
            raise MeasurementsError(
                f"{rows} measurement{'s' * (rows != 1)}: at least {LEAST_ROWS} are needed, {ROWS_A_CONSTANT} for each constant\n"
                "help: measure more shapes and configurations, bound by different engines"
            )
