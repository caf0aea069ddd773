"""What would help: the program is timed again with one resource improved at a time.

A resource gets 10 % better: a clock or bandwidth higher, a latency or fixed cost lower. A buffer gets one slot more, if it fits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tilery.backends.chips import Chip, changed

from ..capacity import check_capacity
from ..engine_program import EngineProgram
from ..errors import Infeasible
from ..time.timing import latency_fs


@dataclass(frozen=True, slots=True)
class Improvement:
    """The run with one resource improved."""

    what: str
    how: str
    """What to say on the command line to see it."""
    latency_us: float
    gain: float
    """The share of the latency that this saves."""


def sweep(program: EngineProgram) -> tuple[Improvement, ...]:
    """Every improvement, the one that helps most first."""
    before = latency_fs(program)
    found = [
        Improvement(what, how, after / 1e9, max(0.0, 1 - after / before))
        for what, how, better in (*_resources(program), *_slots(program))
        for after in (latency_fs(better),)
    ]
    return tuple(sorted(found, key=lambda each: -each.gain))


def on_chip(program: EngineProgram, chip: Chip) -> EngineProgram:
    """The same program on a chip that differs in speeds only."""
    return replace(program, structure=replace(program.structure, chip=chip))


def _resources(program: EngineProgram) -> Iterator[tuple[str, str, EngineProgram]]:
    for what, changes in program.family.improvements:
        how = " ".join(f"--what-if {change}" for change in changes)
        yield what, how, on_chip(program, changed(program.chip, changes))


def _slots(program: EngineProgram) -> Iterator[tuple[str, str, EngineProgram]]:
    names = dict.fromkeys(buffer.slots for buffer in program.structure.buffers if isinstance(buffer.slots, str))
    for name in names:
        more = int(program.config[name]) + 1
        better = replace(program, config={**program.config, name: more})
        try:
            check_capacity(better)
        except Infeasible:
            continue
        yield f"one more slot for {name.removeprefix('buffers.')}", f"--set {name}={more}", better
