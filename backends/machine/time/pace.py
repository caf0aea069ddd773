"""For how long an engine is active that has little to do.

Profiles of kernels that keep a tensor engine waiting show its instructions active for longer than they take where nothing is
waited for, up to twice as long. AWS Neuron Explorer names a cause: where the engine works for less than a half of the last few
microseconds, a limit on how fast its current may change sets in, and the next burst runs at a half of its speed. Which bursts
these are depends on gaps that no published number tells. What has been measured is the whole:

    work at full speed >= warm share x run:  active for as long as the work takes
    else:  active for the warm share of the run, at most as long as at the cold speed

The run is no longer for it. An engine that is waited for has no gaps, and one that has gaps waits for others. Measured latencies
say the same: a walk with the slower pace errs by more (docs/decisions.md). So this is told of an engine's activity, and the
recurrence knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .resolving import Governed

Paces: TypeAlias = Mapping[int, Fraction]
"""By queue, how many times as long its instructions are active as their work takes. Queues without gaps are missing."""


def paces(governed: Sequence[Governed], worked_fs: Sequence[int], run_fs: int) -> Paces:
    """The paces that follow from a run, and from how long each queue worked in it."""
    found = {}
    for each in governed:
        work = worked_fs[each.queue]
        if 0 < work < each.warm_share * run_fs:
            found[each.queue] = min(each.slowest, each.warm_share * run_fs / work)
    return found
