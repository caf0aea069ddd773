"""The energy of a run: the number of operations and accesses, times the energy of one, as the chip file gives it.

Leakage, clock trees, instruction control and the host are left out, so a meter would show more. The figure serves to compare
variants of a kernel by the data that they move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add

from tilery.backends.chips import Chip

from ...families import family_of
from ..engine_program import DEVICE
from ..numbers import Number
from .run_traffic import Traffic


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """Joules of a run by what uses them; arrays for arrays of configurations."""

    moved_j: Mapping[str, Number]
    """Reading and writing, by memory; device memory first, under `DEVICE`."""
    products_j: Number
    rest_j: Number
    """Operations that are no products."""

    @property
    def total_j(self) -> Number:
        """The sum."""
        return reduce(add, (*self.moved_j.values(), self.products_j, self.rest_j))


def energy(chip: Chip, used: Traffic) -> EnergyUse | None:
    """The energy of a run; None where the chip file has no numbers for it, or none for an element type that is multiplied."""
    each = chip.energy
    if each is None or any(name not in each.pj_per_mac for name in used.macs):
        return None
    products = sum(each.pj_per_mac[name] * macs for name, macs in used.macs.items())
    names = (DEVICE, *(memory.name for memory in family_of(chip).memories(chip)))
    moved_j = {name: each.pj_per_byte(name) * used.moved.get(name, 0.0) * 1e-12 for name in names}
    return EnergyUse(moved_j, products * 1e-12, each.pj_per_operation * used.operations * 1e-12)


def price_usd(chip: Chip, latency_us: float, cores: int = 1) -> float | None:
    """The price of a run on `cores` cores: their share of the chip's price for that time. None if the chip has no price."""
    if chip.price is None:
        return None
    return chip.price.usd_per_chip_hour / 3600 * latency_us * 1e-6 * cores / chip.cores.count
