"""The engine model of a chip, as the search sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tilery.backends import engine
from tilery.backends.chips import Chip
from tilery.backends.lazy import lazy
from tilery.backends.tunable import Choice, Config, Tunable
from tilery.dsl import program

from ..deadline import NEVER, Deadline
from ..options import Options
from ..results.adapt import adapt
from ..space.numbering import numbered
from ..verify.precision import ErrorMeter, allowed_types, ruled_out
from ..verify.verification import Verification
from .engine_objectives import Objective, make_objective
from .lowered import lowered
from .protocol import Footprint, Measurement, Screening


@dataclass(frozen=True)
class EngineModel:
    """The engine model of a chip, as the search sees it."""

    kernel: program.Program
    dims: Mapping[str, int]
    chip: Chip
    cores: int = 1
    """How many cores share the work."""
    names: tuple[str, ...] = ("latency",)
    """The objectives."""
    max_error: float | None = None
    """The largest error against the reference, relative to the scale of the result; None leaves element types as they are."""
    _energies: bool = field(init=False, default=False)

    @classmethod
    def of(cls, kernel: program.Program, dims: Mapping[str, int], chip: Chip, options: Options, cores: int = 1) -> EngineModel:
        """As a tuning with these options asks it."""
        return cls(kernel, dims, chip, cores, options.objectives, options.max_error)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_energies", "energy" in self.names)

    @lazy
    def tunables(self) -> tuple[Tunable, ...]:
        """The tile sizes of the kernel and the schedule knobs of the chip."""
        return numbered(engine.tunables(self.kernel, self.dims, self.chip))

    @property
    def left_out(self) -> int:
        """How many of the tunables have fewer choices than the chip offers, because there would be too many to number."""
        offered = engine.tunables(self.kernel, self.dims, self.chip)
        return sum(len(one.values) != len(other.values) for one, other in zip(self.tunables, offered, strict=True))

    @lazy
    def meter(self) -> ErrorMeter:
        """Measures what a choice of element types costs."""
        return ErrorMeter(self.kernel, self.dims, self.tunables)

    @lazy
    def objectives(self) -> tuple[Objective, ...]:
        """What is minimised; raises `UsageError` where the chip has no numbers for it."""
        return tuple(make_objective(name, self.kernel, self.chip, self.cores, self.meter) for name in self.names)

    def default(self, end: Deadline = NEVER) -> dict[str, Choice]:
        """The engine's instant pick, with the first element types that the error bound allows: the text's own, if it does.

        After `end` it is the best so far. Raises `UsageError` if it allows none.
        """
        allowed = allowed_types(self.kernel, self.meter, self.max_error)
        picked = engine.default_config(self.kernel, self.dims, self.chip, allowed, self.cores, lambda: end.over)
        return adapt(picked, self.tunables) if self.left_out else picked

    def footprint(self, config: Config, tiles: Mapping[str, NDArray[np.integer]]) -> Footprint:
        """Memory, precision and lower bounds of one structure with arrays of tile sizes."""
        found = engine.footprint(self.kernel, self.dims, self.chip, config, tiles)
        if any(isinstance(each.default, str) for each in self.kernel.tunes):
            columns = {each.name: np.array([each.values.index(config[each.name])]) for each in self.tunables}
            name, out = ruled_out(self.kernel, self.tunables, columns, self.meter, self.max_error, "error" in self.names)
            found = _limited(found, name, bool(out[0]))
        # The busiest of the cores has at least its even share of the work.
        return found if self.cores == 1 else replace(found, lower_bound_us=found.lower_bound_us / self.cores)

    def canonical(self, config: Config) -> Mapping[str, Choice]:
        """The structural choices that make a difference."""
        return engine.canonical(self.kernel, self.chip, config)

    def screen_all(self, columns: Mapping[str, NDArray[np.integer]]) -> tuple[Screening, NDArray[np.float64]]:
        """The same, and the bounds on every objective, shape [configuration, objective]."""
        found = self._screened(columns)
        bounds = np.stack([each.bound(found, columns) for each in self.objectives], axis=1)
        return found, np.where((found.limit == 0)[:, None], bounds, np.inf)

    def _screened(self, columns: Mapping[str, NDArray[np.integer]]) -> engine.Screening:
        found = engine.screen(self.kernel, self.dims, self.chip, columns, energies=self._energies, within=self.tunables)
        if any(isinstance(each.default, str) for each in self.kernel.tunes):
            name, out = ruled_out(self.kernel, self.tunables, columns, self.meter, self.max_error, "error" in self.names)
            limit = np.where(out, len(found.limits) + 1, found.limit)
            found = replace(found, limit=limit, limits=(*found.limits, name))
        # The busiest of the cores has at least its even share of the work.
        return found if self.cores == 1 else replace(found, lower_bound_us=found.lower_bound_us / self.cores)

    def measure(self, config: Config) -> Measurement:
        """Lowers and times one configuration exactly."""
        made = lowered(self.kernel, self.dims, self.chip, config, self.cores)
        latency_us = engine.latency_fs(made) / 1e9
        first, *_ = engine.usage(made).values()
        return Measurement(latency_us, first, tuple(each.value(made, latency_us) for each in self.objectives))

    def report(self, config: Config) -> engine.Report:
        """The full timing report of one configuration."""
        return engine.simulate(engine.lower(self.kernel, self.dims, self.chip, config, self.cores))

    def verify(self, config: Config, seed: int, most_work: float) -> Verification:
        """Executes one configuration on a small ragged shape, exactly and by the emulator; see `verify.execution`."""
        from ..verify.execution import verify

        return verify(self.kernel, self.dims, self.chip, config, seed, most_work)


def _limited(found: engine.Footprint, name: str, out: bool) -> engine.Footprint:
    """A footprint with a limit more, which all of it violates or nothing."""
    count = found.fixed.shape[1]
    return replace(
        found,
        limits=(*found.limits, name),
        capacity=np.append(found.capacity, 0.0),
        fixed=np.vstack([found.fixed, np.full(count, float(out))]),
        each={slots: np.vstack([one, np.zeros(count)]) for slots, one in found.each.items()},
    )
