"""The whole tuning of one kernel by measurements from outside: screen, measure what the model and the search say, verify."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tilery.backends.chips import Chip
from tilery.backends.tunable import Config
from tilery.dsl import program
from tilery.dsl.errors import TileryError

from ..by_model import reserve_s, screening
from ..deadline import OVER, Deadline
from ..model.engine_model import EngineModel
from ..model.search import Budget
from ..progress import Progress, Stop, Watcher
from ..result import Measured, Result, Scored
from ..results.adapt import adapt
from ..setting_up import setting_up
from ..space.configurations import Space
from ..space.feasibility import survey
from ..together.sharing import ALONE, Sharing
from ..verify.efforts import Checking, concluded
from ..verify.finalists import FINALISTS, Finalist, first_right, runners_up
from .campaign import Campaign, Measure, Row
from .command import Command

SHOWN = 8
"""How many of the fastest a result lists."""
OBJECTIVE = "measured"
PATIENCE_S = 10.0
"""A space is screened whole if that takes no longer."""
SCREENING = 0.25
"""Nor longer than this part of the budget."""


class NothingMeasured(TileryError):
    """No configuration gave a latency."""


def autotune_measured(
    kernel: program.Kernel,
    dims: Mapping[str, int],
    chip: Chip,
    measure: Measure,
    *,
    max_error: float | None = None,
    sampler: str = "surrogate",
    budget_s: float | None = 300.0,
    trials: int | None = None,
    seed: int = 0,
    seeds: Sequence[Config] = (),
    progress: Watcher | None = None,
    sharing: Sharing = ALONE,
) -> Result:
    """Finds the configuration of a specialised kernel for which `measure` gives the smallest latency.

    The default is measured, then the model's best few, then what `Search` asks for. A configuration that cannot be measured
    is noted with its reason and the search goes on. The budget bounds all of it, and begins now; Ctrl-C and
    SIGTERM keep what was found. With `sharing` other processes work on the same study, whoever ends takes the best of all, and
    `trials` counts what all of them have measured. Raises `Infeasible` if nothing fits the chip, `NothingMeasured` if
    nothing gave a latency, `NothingVerified` if none of the fastest computes what the reference says.
    """
    start, deadline = time.monotonic(), Deadline.after(budget_s)
    if progress:
        progress(Progress("prepare", 0, 1, 0.0, 0.0))
    model = EngineModel(kernel, dims, chip, max_error=max_error)
    budget = Budget(budget_s, trials)
    campaign = prepared(model, measure, budget, sampler, seed, seeds, progress, sharing)
    with sharing.helpers as helpers:
        stop = campaign.run()
        helpers.finish(OVER if stop in ("interrupted", "budget") else deadline.earlier(reserve_s(budget_s)))
    stop = campaign.ended(stop)
    if campaign.best is None:
        if stop == "interrupted":
            raise KeyboardInterrupt
        raise NothingMeasured(_nothing(campaign))

    def conclude(stop: Stop) -> Result:
        check = Checking.of(model, deadline, stop == "interrupted")
        finalist = first_right(model, scored(campaign), seed, _verifying(campaign, start), check)
        return measured_result(model, campaign, finalist, stop, _name(measure), time.monotonic() - start)

    return concluded(conclude, stop)


def prepared(
    model: EngineModel,
    measure: Measure,
    budget: Budget,
    sampler: str,
    seed: int,
    seeds: Sequence[Config],
    progress: Watcher | None,
    sharing: Sharing,
) -> Campaign:
    """A campaign that is ready to run: the space screened, the study joined.

    The budget counts from here; what is left of it, but for the reserve for the verification, is the campaign's.
    """
    start, searching = time.monotonic(), Deadline.after(budget.seconds).earlier(reserve_s(budget.seconds))
    with setting_up(model.kernel.name, Deadline.after(budget.seconds)):
        default, space = model.default(), Space(model.tunables)
    study = sharing.join(model, OBJECTIVE, _name(measure))
    screened = searching.share(SCREENING).by(PATIENCE_S)
    told = screening(start, progress)
    landscape = survey(model, space, space.index(default), seed, told, screened.left_s, screened)
    known = [adapt(config, space.tunables) for config in seeds]
    if budget.seconds is not None:
        budget = Budget(searching.left_s, budget.trials)
    return Campaign(model, landscape, default, measure, study, budget, sampler, seed, known, progress)


def _nothing(campaign: Campaign) -> str:
    reasons = Counter(each.problem for each in campaign.rows)
    lines = "\n".join(f"  {number}x {reason}" for reason, number in reasons.most_common(5))
    tried = (
        f"none of {len(campaign.rows)} configurations gave a latency:\n{lines}" if reasons else "nothing was measured in the time"
    )
    return f"{tried}\nhelp: the command can be tried by hand, with the JSON of docs/measuring.md on its standard input"


def _verifying(campaign: Campaign, start: float) -> Callable[[int, Scored], None]:
    def told(place: int, each: Scored) -> None:
        if campaign.watch:
            elapsed_s = time.monotonic() - start
            campaign.watch(
                Progress("verify", place, FINALISTS, elapsed_s, 0.0, each.measured_us, each.config, campaign.default_us)
            )

    return told


def _name(measure: Measure) -> str:
    """What measured, for the record."""
    return measure.text if isinstance(measure, Command) else f"function {getattr(measure, '__name__', type(measure).__name__)}"


def agreement(rows: Sequence[Row]) -> float | None:
    """Spearman's rank correlation of predicted and measured latencies; None for fewer than three, or if all are equal."""
    pairs = [(each.predicted_us, each.measured_us) for each in rows if each.measured_us is not None]
    if len(pairs) < 3 or any(len(set(column)) == 1 for column in zip(*pairs, strict=True)):
        return None
    # Not scipy.stats.spearmanr: importing scipy.stats takes longer than everything else here.
    return float(np.corrcoef([_ranks(column) for column in zip(*pairs, strict=True)])[0, 1].clip(-1, 1))


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Places in order of size; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def scored(campaign: Campaign) -> tuple[Scored, ...]:
    """Everything that was measured, fastest first."""
    return tuple(Scored(each.predicted_us, each.config, each.measured_us) for each in campaign.ranked())


def figures(campaign: Campaign, winner: Row, command: str) -> Measured:
    """The measured side of a result."""
    assert winner.measured_us is not None
    default_us, ranked = campaign.default_us, campaign.ranked()
    return Measured(
        command=command,
        latency_us=winner.measured_us,
        default_latency_us=default_us,
        gain=default_us / winner.measured_us if default_us else None,
        agreement=agreement(ranked),
        count=len(ranked),
        failures=dict(Counter(each.problem for each in campaign.rows if each.problem)),
        best=scored(campaign)[:SHOWN],
    )


def measured_result(
    model: EngineModel, campaign: Campaign, finalist: Finalist, stop: Stop, command: str, wall_s: float
) -> Result:
    """The result whose winner is the fastest right one by measurement; its `latency_us` stays the model's."""
    kernel, landscape = model.kernel, campaign.landscape
    winner = campaign.ranked()[finalist.place]
    report, default_us = model.report(winner.config), model.measure(campaign.default).latency_us
    return Result(
        kernel=kernel.name,
        chip=model.chip.name,
        types={name: str(kind) for name, kind in kernel.types.items()},
        dims=dict(model.dims),
        constants=dict(kernel.constants),
        objective=OBJECTIVE,
        config=winner.config,
        latency_us=report.latency_us,
        bound=report.bound,
        peak_share=report.peak_share,
        default_config=dict(campaign.default),
        default_latency_us=default_us,
        gain=default_us / report.latency_us,
        max_error=finalist.verification.max_error,
        tolerance=finalist.verification.tolerance,
        verified_dims=finalist.verification.dims,
        space=landscape.space.size,
        screened=landscape.screened,
        structures=landscape.space.structure_count,
        structures_screened=landscape.structures,
        reduced=model.left_out,
        feasible=landscape.feasible,
        ruled_out=dict(landscape.removed),
        evaluated=len(campaign.rows),
        stop=stop,
        headroom=math.nan,
        runners_up=runners_up(scored(campaign), finalist, landscape.space.tunables),
        rejected=finalist.rejected,
        sampler=campaign.sampler,
        seed=campaign.seed,
        wall_s=wall_s,
        max_error_allowed=model.max_error,
        rounding_error=finalist.verification.rounding_error,
        rounded_to=finalist.verification.rounded_to,
        measured=figures(campaign, winner, command),
    )
