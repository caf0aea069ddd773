"""Builds the result of a tuning; every way of tuning ends here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .preparing import Prepared
from .progress import Stop
from .result import Result, Scored
from .verify.finalists import Finalist, runners_up


@dataclass(frozen=True)
class Ending:
    """What each way of tuning tells of its search."""

    objective: str
    sampler: str
    stop: Stop
    ranked: Iterable[Scored]
    """All trials that were timed or measured, the best first."""
    ruled_out: Mapping[str, int]
    evaluated: int
    headroom: float


def result_of(ground: Prepared, finalist: Finalist, ending: Ending) -> Result:
    """The result: the winner beside the default, by the model."""
    model, landscape, found = ground.model, ground.landscape, finalist.verification
    kernel, wall_s = model.kernel, ground.times.elapsed_s
    report, default_us = model.report(finalist.scored.config), model.measure(ground.default).latency_us
    return Result(
        kernel=kernel.name,
        chip=model.chip.name,
        types={name: str(kind) for name, kind in kernel.types.items()},
        dims=dict(model.dims),
        constants=dict(kernel.constants),
        objective=ending.objective,
        config=finalist.scored.config,
        latency_us=report.latency_us,
        bound=report.bound,
        peak_share=report.peak_share,
        default_config=dict(ground.default),
        default_latency_us=default_us,
        gain=default_us / report.latency_us,
        max_error=found.max_error,
        tolerance=found.tolerance,
        verified_dims=found.dims,
        space=landscape.space.size,
        screened=landscape.screened,
        feasible=landscape.feasible,
        ruled_out=dict(ending.ruled_out),
        evaluated=ending.evaluated,
        stop=ending.stop,
        headroom=ending.headroom,
        runners_up=runners_up(ending.ranked, finalist, landscape.space.tunables),
        rejected=finalist.rejected,
        sampler=ending.sampler,
        seed=ground.options.seed,
        wall_s=wall_s,
        max_error_allowed=model.max_error,
        structures=landscape.space.structure_count,
        structures_screened=landscape.structures,
        reduced=model.left_out,
        rounding_error=found.rounding_error,
        rounded_to=found.rounded_to,
    )
