"""The whole tuning of one kernel by measurements from outside: screen, measure what the model and the search say, verify."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tilery.dsl.errors import TileryError

from ..budget import Budget, Times
from ..concluding import Ending, result_of
from ..deadline import OVER
from ..model.protocol import TuningModel
from ..options import Options
from ..preparing import Prepared, set_up
from ..progress import Progress, Stop, Watcher
from ..result import Measured, Result, Scored
from ..together.sharing import ALONE, Sharing
from ..verify.efforts import Checking, concluded
from ..verify.finalists import FINALISTS, first_right
from .campaign import Campaign, Measure, Row
from .command import Command

SHOWN = 8
"""How many of the fastest a result lists."""
OBJECTIVE = "measured"
SURROGATE = "surrogate"
"""The strategy if none is named."""


class NothingMeasured(TileryError):
    """No configuration gave a latency."""


def autotune_measured(
    model: TuningModel,
    measure: Measure,
    options: Options,
    *,
    progress: Watcher | None = None,
    sharing: Sharing = ALONE,
) -> Result:
    """Finds the configuration of a specialised kernel for which `measure` gives the smallest latency.

    The default is measured, then the model's best few, then what `Search` asks for. A configuration that cannot be measured
    is noted with its reason and the search goes on. The budget bounds all of it, and begins now; Ctrl-C and
    SIGTERM keep what was found. With `sharing` other processes work on the same study, whoever ends takes the best of all, and
    `trials` counts what all of them have measured. Raises what the model says if nothing fits the chip, `NothingMeasured` if
    nothing gave a latency, `NothingVerified` if none of the fastest computes what the reference says.
    """
    times = Times.of(options.budget_s)
    options.check(cores=model.cores, function=not isinstance(measure, Command))
    if progress:
        progress(Progress("prepare", 0, 1, 0.0, 0.0))
    ground, campaign = campaign_of(model, measure, options, times, progress, sharing)
    with sharing.helpers as helpers:
        stop = campaign.run()
        helpers.finish(OVER if stop in ("interrupted", "budget") else times.searching)
    stop = campaign.ended(stop)
    if campaign.best is None:
        if stop == "interrupted":
            raise KeyboardInterrupt
        raise NothingMeasured(_nothing(campaign))
    return concluded(lambda stop: _concluded(ground, campaign, stop), stop)


def campaign_of(
    model: TuningModel, measure: Measure, options: Options, times: Times, progress: Watcher | None, sharing: Sharing
) -> tuple[Prepared, Campaign]:
    """A campaign that is ready to run: the space screened, the study joined."""
    beginning = set_up(model, options, times, progress)
    study = sharing.join(model, OBJECTIVE, name_of(measure))
    ground = beginning.screened()
    budget = Budget(None if options.budget_s is None else times.searching.left_s, options.trials)
    campaign = Campaign(
        model,
        ground.landscape,
        ground.default,
        measure,
        study,
        budget,
        options.sampler or SURROGATE,
        options.seed,
        ground.known,
        progress,
    )
    return ground, campaign


def _concluded(ground: Prepared, campaign: Campaign, stop: Stop) -> Result:
    """The fastest right one by measurement; the result's `latency_us` stays the model's."""
    check = Checking.of(ground.model, ground.times.all, stop == "interrupted")
    finalist = first_right(ground.model, scored(campaign), ground.options.seed, _verifying(campaign, ground.times), check)
    removed = ground.landscape.removed
    ending = Ending(OBJECTIVE, campaign.sampler, stop, scored(campaign), removed, len(campaign.rows), math.nan)
    winner = campaign.ranked()[finalist.place]
    return replace(result_of(ground, finalist, ending), measured=figures(campaign, winner, name_of(campaign.measure)))


def _nothing(campaign: Campaign) -> str:
    reasons = Counter(each.problem for each in campaign.rows)
    lines = "\n".join(f"  {number}x {reason}" for reason, number in reasons.most_common(5))
    tried = (
        f"none of {len(campaign.rows)} configurations gave a latency:\n{lines}" if reasons else "nothing was measured in the time"
    )
    return f"{tried}\nhelp: the command can be tried by hand, with the JSON of docs/measuring.md on its standard input"


def _verifying(campaign: Campaign, times: Times) -> Callable[[int, Scored], None]:
    def told(place: int, each: Scored) -> None:
        if campaign.watch:
            campaign.watch(
                Progress("verify", place, FINALISTS, times.elapsed_s, 0.0, each.measured_us, each.config, campaign.default_us)
            )

    return told


def name_of(measure: Measure) -> str:
    """The name of the command or function that measured, for the result."""
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
