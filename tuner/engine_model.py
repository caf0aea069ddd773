"""The engine model of a chip, as the search sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..backends import engine
from ..backends.chips import Chip
from ..backends.tunable import Choice, Config, Tunable
from ..dsl import program
from .model import Measurement, Screening


@dataclass(frozen=True, slots=True)
class EngineModel:
    """The engine model of a chip, as the search sees it."""

    kernel: program.Kernel
    dims: Mapping[str, int]
    chip: Chip
    cores: int = 1
    """How many cores share the work."""

    @property
    def tunables(self) -> tuple[Tunable, ...]:
        """The tile sizes of the kernel and the schedule knobs of the chip."""
        return engine.tunables(self.kernel, self.dims, self.chip)

    def default(self) -> dict[str, Choice]:
        """The engine's instant pick."""
        return engine.default_config(self.kernel, self.dims, self.chip)

    def screen(self, columns: Mapping[str, NDArray[np.integer]]) -> Screening:
        """Capacity, banks and lower bounds for arrays of configurations."""
        found = engine.screen(self.kernel, self.dims, self.chip, columns)
        # The busiest of the cores has at least its even share of the work.
        return found if self.cores == 1 else replace(found, lower_bound_us=found.lower_bound_us / self.cores)

    def measure(self, config: Config) -> Measurement:
        """Lowers and times one configuration exactly."""
        report = self.report(config)
        return Measurement(report.latency_us, report.sbuf_bytes_per_partition)

    def report(self, config: Config) -> engine.Report:
        """The full timing report of one configuration."""
        return engine.simulate(engine.lower(self.kernel, self.dims, self.chip, config, self.cores))
