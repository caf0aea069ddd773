"""A made-up machine model with memory limits, lower bounds and slots, for trying strategies in a search by a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tilery.backends.tunable import Choice, Config, Tunable

from ..model.protocol import Measurement, Refused

ROOM = 20_000.0


@dataclass(frozen=True)
class _Memory:
    fixed: NDArray[np.float64]
    each: Mapping[str, NDArray[np.float64]]
    lower_bound_us: NDArray[np.float64]
    limits: tuple[str, ...] = ("room",)
    capacity: NDArray[np.float64] = field(default_factory=lambda: np.array([ROOM]))


@dataclass(frozen=True)
class _Screening:
    limit: NDArray[np.integer]
    lower_bound_us: NDArray[np.float64]
    limits: tuple[str, ...] = ("room",)


@dataclass(frozen=True)
class _Named:
    field: str


class Machine:
    """Latency, and an energy that pulls the other way; every eleventh configuration turns out not to fit after all."""

    tunables = (
        Tunable("m", "tile", (16, 32, 48, 64, 96, 128), 32, ()),
        Tunable("n", "tile", (16, 32, 48, 64, 96, 128), 32, ()),
        Tunable("k", "tile", (32, 64, 128), 32, ()),
        Tunable("buffers", "knob", (1, 2, 3), 1, (), slots=True),
        Tunable("order", "knob", ("mn", "nm"), "mn", ()),
    )

    def __init__(self, count: int = 2) -> None:
        self.objectives: Sequence[_Named] = (_Named("energy_j"), _Named("latency_us"))[:count]
        """With one only, that is not the latency."""

    def default(self) -> Config:
        """The first of everything that is small."""
        return {each.name: each.default for each in self.tunables}

    def canonical(self, config: Config) -> Mapping[str, Choice]:
        """The order makes a difference."""
        return {"order": config["order"]}

    def footprint(self, config: Config, tiles: Mapping[str, NDArray[np.integer]]) -> _Memory:
        """Room for the operands, a slot each, beside the result."""
        m, n, k = (tiles[name].astype(float) for name in "mnk")
        return _Memory((m * n)[None], {"buffers": (k * (m + n))[None]}, self._bounds(m, n, k)[:, 0])

    def screen_all(self, columns: Mapping[str, NDArray[np.integer]]) -> tuple[_Screening, NDArray[np.float64]]:
        """The same of many at once, with the bounds on both objectives."""
        m, n, k, slots = (
            np.array(each.values, dtype=float)[columns[each.name]] for each in self.tunables if each.name != "order"
        )
        limit = (m * n + slots * k * (m + n) > ROOM).astype(np.int64)
        bounds = self._bounds(m, n, k)
        of_each = bounds[:, ::-1][:, : len(self.objectives)]
        return _Screening(limit, bounds[:, 0]), np.where((limit == 0)[:, None], of_each, np.inf)

    def measure(self, config: Config) -> Measurement:
        """A little over the bounds."""
        m, n, k, slots = (int(config[name]) for name in ("m", "n", "k", "buffers"))
        rough = (7 * m + 3 * n + 5 * k + (config["order"] == "mn")) % 11
        if rough == 10 or m * n + slots * k * (m + n) > ROOM:
            raise Refused("room", "there is no room after all")
        latency_us, energy_j = self._bounds(np.array([m]), np.array([n]), np.array([k]))[0] * (1 + 0.4 * rough / 11)
        return Measurement(float(latency_us), slots * k * (m + n), (float(energy_j), float(latency_us))[: len(self.objectives)])

    @staticmethod
    def _bounds(m: NDArray[np.floating], n: NDArray[np.floating], k: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.stack([1e5 * (1 / m + 1 / n) + 1e3 / k, (m + n) / 10 + 40 / k], axis=1)
