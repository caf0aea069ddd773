"""The energy of a run: the number of operations and accesses, times the energy of one, as the chip file gives it.

Leakage, clock trees, instruction control and the host are left out, so a meter would show more. The figure serves to compare
variants of a kernel by the data that they move.
"""

from __future__ import annotations

from dataclasses import dataclass

from tilery.backends.chips import Chip
from tilery.backends.trainium.traffic import Traffic

from ..numbers import Number


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """Joules of a run by what uses them; arrays for arrays of configurations."""

    hbm_j: Number
    sbuf_j: Number
    psum_j: Number
    tensor_j: Number
    elementwise_j: Number

    @property
    def total_j(self) -> Number:
        """The sum."""
        return self.hbm_j + self.sbuf_j + self.psum_j + self.tensor_j + self.elementwise_j


def energy(chip: Chip, used: Traffic) -> EnergyUse | None:
    """The energy of a run; None where the chip file has no numbers for it, or none for an element type that is multiplied."""
    each = chip.energy
    if each is None or any(name not in each.pj_per_mac for name in used.macs):
        return None
    tensor = sum(each.pj_per_mac[name] * macs for name, macs in used.macs.items())
    return EnergyUse(
        hbm_j=each.pj_per_hbm_byte * used.hbm_bytes * 1e-12,
        sbuf_j=each.pj_per_sbuf_byte * used.sbuf_bytes * 1e-12,
        psum_j=each.pj_per_psum_byte * used.psum_bytes * 1e-12,
        tensor_j=tensor * 1e-12,
        elementwise_j=each.pj_per_operation * used.operations * 1e-12,
    )


def price_usd(chip: Chip, latency_us: float, cores: int = 1) -> float | None:
    """The price of a run on `cores` cores: their share of the chip's price for that time. None if the chip has no price."""
    if chip.price is None:
        return None
    return chip.price.usd_per_chip_hour / 3600 * latency_us * 1e-6 * cores / chip.cores.count
