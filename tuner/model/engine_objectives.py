"""The objectives of the engine model: each has a unit, an exact value for one configuration, and a bound for many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilery.backends.chips import Chip
from tilery.backends.machine.choosing.screen import Screening
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.time.energy import energy, price_usd
from tilery.backends.machine.time.run_traffic import traffic
from tilery.dsl import program
from tilery.dsl.errors import UsageError

from ..verify.precision import ErrorMeter

Columns = Mapping[str, NDArray[np.integer]]
Bounds = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Objective:
    """One thing to minimise."""

    name: str
    unit: str
    """Of its values: `us`, `J`, `USD`; empty for a ratio."""
    value: Callable[[EngineProgram, float], float]
    """Of one configuration: of its engine program, and the microseconds that it takes."""
    bound: Callable[[Screening, Columns], Bounds]
    """Of many configurations: values that the exact ones are not below."""

    @property
    def field(self) -> str:
        """`latency_us`, `energy_j`, `cost_usd`, `error`."""
        return f"{self.name}_{self.unit.lower()}" if self.unit else self.name


def make_objective(name: str, kernel: program.Program, chip: Chip, cores: int, meter: ErrorMeter) -> Objective:
    """An objective of a kernel on a chip; `UsageError` where the chip's file has no numbers for it."""
    match name:
        case "latency":
            return Objective(name, "us", lambda _, latency_us: latency_us, lambda found, _: found.lower_bound_us)
        case "energy":
            return _energy(chip)
        case "cost":
            return _cost(chip, cores)
        case _:
            return Objective(
                name, "", lambda lowered, _: meter.error(lowered.kernel.tuned), lambda _, columns: meter.errors(columns)
            )


def _cost(chip: Chip, cores: int) -> Objective:
    usd_per_us = price_usd(chip, 1.0, cores)
    if usd_per_us is None:
        raise UsageError(_without(chip, "price", "a run costs", "instance, usd_per_hour, chips, date, source"))
    return Objective(
        "cost", "USD", lambda _, latency_us: usd_per_us * latency_us, lambda found, _: usd_per_us * found.lower_bound_us
    )


def _energy(chip: Chip) -> Objective:
    if chip.energy is None:
        raise UsageError(_without(chip, "energy", "an access or an operation takes", "pj_per_mac, pj_per_hbm_byte, …"))

    def value(lowered: EngineProgram, _: float) -> float:
        used = energy(chip, traffic(lowered))
        if used is None:
            raise _unknown_types(chip)
        return float(used.total_j)

    def bound(found: Screening, _: Columns) -> Bounds:
        assert found.energy_j is not None
        if np.isnan(found.energy_j[found.limit == 0]).any():
            raise _unknown_types(chip)
        return found.energy_j

    return Objective("energy", "J", value, bound)


def _without(chip: Chip, section: str, what: str, fields: str) -> str:
    return (
        f"{chip.name} has no numbers for what {what}: its file has no [{section}]\n"
        f"help: a chip file of your own may have one ({fields}); `tilery chips` shows which chips do"
    )


def _unknown_types(chip: Chip) -> UsageError:
    known = ", ".join(chip.energy.pj_per_mac) if chip.energy else ""
    return UsageError(
        f"{chip.name} has no energy for an element type that this kernel multiplies; it has {known}\n"
        "help: take another element type or objective, or add the number to energy.pj_per_mac in a chip file of your own"
    )
