"""The critical path: the chain of instructions, each waiting for the one before, that takes the whole latency.

Only changes on this chain can make the run shorter. Where the walk jumped, the chain repeats the period before the jump (the
critical cycle of the recurrence), and its instructions are weighted by the time that was skipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .recording import Event, Jump, Record

TOLD = 3
"""How many waits are described in words."""


@dataclass(frozen=True, slots=True)
class Critical:
    """The critical path in shares of the latency, and in words."""

    shares: dict[str, float]
    """Instruction -> its share of the latency, the largest first. `latency of X` is the time from X's end to its result."""
    waits: tuple[str, ...]
    """What waits for what along the cycle that repeats, the most frequent first; none if one engine never pauses."""
    engines: tuple[str, ...]
    """The engines whose instructions make up the cycle."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of time on the path."""

    names: dict[str, float]
    """Femtoseconds an instruction."""
    event: Event

    @property
    def length(self) -> float:
        return sum(self.names.values())


def critical(record: Record) -> Critical:
    """The critical path of a recorded run."""
    pieces: list[_Piece] = []
    longest, cycle = -1.0, []
    leaves = {id(each.before): each for each in record.critical_path() if each.before is not None}
    for event in reversed(list(record.critical_path())):
        gap = event.start - event.waited_until
        jump = _jump(record, event) if gap > 0 else None
        if gap > 0 and pieces:
            period = _tail(pieces, jump.period if jump else gap)
            pieces.append(_repeated(period, gap))
            if gap > longest:
                longest, cycle = gap, [each.event for each in period]
        pieces.append(_Piece(_lengths(event, leaves.get(id(event))), event))
    total: Counter[str] = Counter()
    for piece in pieces:
        total.update(piece.names)
    events = cycle or [each.event for each in pieces]
    engines = dict.fromkeys(each.instruction.engine for each in sorted(events, key=lambda each: each.start - each.end))
    # Queues that share the DMA engines may overlap by a transfer, so that the chain's parts can add up to more than the run.
    whole = sum(total.values()) or 1.0
    shares = {name: length / whole for name, length in total.most_common()}
    return Critical(shares, _waits(events), tuple(engines))


def _lengths(event: Event, follower: Event | None) -> dict[str, float]:
    """What an event adds to the path: its time on the engine, and the time until its follower may start."""
    name = event.instruction.name
    busy = {name: float(event.end - event.start)}
    if follower is None or follower.cause in ("input", "slot"):
        busy |= {f"latency of {name}": float(event.ready - event.end)} if event.ready > event.end else {}
    return busy


def _jump(record: Record, event: Event) -> Jump | None:
    """The longest jump between an event and the one that it waited for."""
    assert event.before is not None
    between = [each for each in record.jumps if event.before.place < each.place <= event.place]
    return max(between, key=lambda each: each.period * each.steps, default=None)


def _tail(pieces: Sequence[_Piece], length: float) -> list[_Piece]:
    """The last pieces that are `length` long together, the first of them cut to fit."""
    found: list[_Piece] = []
    for piece in reversed(pieces):
        if length <= 0:
            break
        share = min(1.0, length / piece.length) if piece.length else 1.0
        found.append(replace(piece, names={name: part * share for name, part in piece.names.items()}))
        length -= piece.length
    return found[::-1]


def _repeated(period: Sequence[_Piece], gap: float) -> _Piece:
    """A period repeated over a gap."""
    total: Counter[str] = Counter()
    for piece in period:
        total.update(piece.names)
    length = sum(total.values()) or 1.0
    return _Piece({name: part * gap / length for name, part in total.items()}, period[-1].event)


def _waits(events: Sequence[Event]) -> tuple[str, ...]:
    """The waits of a chain of events, in words."""
    said: Counter[str] = Counter()
    for event in events:
        if event.before is None or event.cause not in ("input", "slot"):
            continue
        name, other = event.instruction.name, event.before.instruction.name
        if event.cause == "input":
            said[f"{name} waits for {other}"] += 1
        elif event.buffer in event.before.instruction.reads_from:
            said[f"{name} waits for {other} to free a slot of {event.buffer}"] += 1
        else:
            said[f"{name} waits for {other}, which writes {event.buffer} too"] += 1
    return tuple(each for each, _ in said.most_common(TOLD))
