"""How fast an engine works that slows down where there is little for it to do.

A tensor engine draws its current in bursts. Where it works for less than a half of the last few microseconds, a limit on how
fast the current may change sets in, and the next burst runs at a half of its speed (AWS Neuron Explorer, on throttling). Which
bursts these are depends on gaps that no published number tells. What has been measured is the whole: the less of a run there
is to do at full speed, the longer each instruction takes, down to half the speed.

    work at full speed >= warm share x run at full speed:  full speed
    else:  so slow that it works for the warm share of that run, at least at the cold speed

The program is walked at full speed first, which gives the run. So the pace is one number for a whole program, settled before
the walk that counts: that walk stays exact and jumps as any other. And it stays monotone. A run that gets shorter makes the
engine no slower; a faster clock shortens work and run alike, and no instruction takes longer for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .resolving import Governed

Paces: TypeAlias = Mapping[int, Fraction]
"""By queue, how many times as long its instructions take as at full speed. Queues at full speed are missing."""


def paces(governed: Sequence[Governed], worked_fs: Sequence[int], run_fs: int) -> Paces:
    """The paces that follow from a run at full speed, and from how long each queue worked in it."""
    found = {}
    for each in governed:
        work = worked_fs[each.queue]
        if 0 < work < each.warm_share * run_fs:
            found[each.queue] = min(each.slowest, each.warm_share * run_fs / work)
    return found


def slower(duration_fs: int, pace: Fraction) -> int:
    """What an instruction takes at a pace."""
    return duration_fs * pace.numerator // pace.denominator
