"""What a calibration solves: how latencies depend on a chip's constants. A constant is the logarithm of its factor here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tilery.backends.chips import Chip, changed, tables
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.time.timing import latency_fs

Vector = npt.NDArray[np.float64]
STEP = 0.02
"""The step of differences: latencies are piecewise linear in the constants, so that a small one would see one piece only."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A run that was measured, as the engine program that ran."""

    label: str
    program: EngineProgram
    measured_us: float


@dataclass(slots=True)
class Problem:
    """Measurements, and the constants of a chip that may move."""

    chip: Chip
    measurements: Sequence[Measurement]
    names: tuple[str, ...]
    launch: bool = False
    factor: float = 4.0
    _known: dict[tuple[int, bytes], float] = field(default_factory=dict)

    @property
    def start(self) -> Vector:
        """The chip as it is."""
        return np.zeros(len(self.names))

    @property
    def bounds(self) -> tuple[Vector, Vector]:
        """How far each constant may go; a share never beyond 1."""
        far = np.full(len(self.names), np.log(self.factor))
        shares = [np.log(1 / value_of(self.chip, name)) if _is_share(name) else np.inf for name in self.names]
        return -far, np.minimum(far, np.asarray(shares))

    def moved(self, place: Vector) -> Chip:
        """The chip with its constants there."""
        values = {name: value_of(self.chip, name) * float(np.exp(at)) for name, at in zip(self.names, place, strict=True) if at}
        return changed(self.chip, [f"{name}={value!r}" for name, value in values.items()])

    def predicted_us(self, place: Vector, rows: Sequence[int]) -> Vector:
        """What the recurrence gives for some measurements."""
        key, chip = place.tobytes(), None
        for row in rows:
            if (row, key) not in self._known:
                chip = chip or self.moved(place)
                program = self.measurements[row].program
                timed = replace(program, structure=replace(program.structure, chip=chip))
                self._known[row, key] = latency_fs(timed) / 1e9 + (chip.launch_us if self.launch else 0.0)
        return np.array([self._known[row, key] for row in rows])

    def residuals(self, place: Vector, rows: Sequence[int]) -> Vector:
        """The logarithms of predicted over measured."""
        measured = np.array([self.measurements[row].measured_us for row in rows])
        logarithms: Vector = np.log(self.predicted_us(place, rows) / measured)
        return logarithms

    def jacobian(self, place: Vector, rows: Sequence[int], columns: Sequence[int]) -> npt.NDArray[np.float64]:
        """How the residuals change with some constants: by what per cent a latency moves for a per cent of each."""
        here = self.residuals(place, rows)
        found = []
        for column in columns:
            step = STEP if place[column] + STEP <= self.bounds[1][column] else -STEP
            there = place.copy()
            there[column] += step
            found.append((self.residuals(there, rows) - here) / step)
        return np.array(found).T if found else np.zeros((len(rows), 0))


def value_of(chip: Chip, name: str) -> float:
    """A constant of a chip, `dma.floor_ns`; 0 where its file leaves it out."""
    table: Any = tables(chip)
    for key in name.split("."):
        table = (table or {}).get(key)
    return float(table or 0)


def _is_share(name: str) -> bool:
    return name.endswith(("_share", "_speed"))
