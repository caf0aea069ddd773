"""Why a run takes as long as it does, and what would help. It says more than `Report` and takes longer to compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..engine_program import EngineProgram
from ..time.energy import EnergyUse, energy, price_usd
from ..time.run_traffic import Traffic, traffic
from ..time.summary import Report
from .assumed import Assumption, assumptions
from .critical import Critical, critical
from .elements import Apart, Single
from .recording import Record, record
from .sweep import Improvement, sweep


@dataclass(frozen=True, slots=True)
class Analysis:
    """The explanation of a prediction."""

    stalled: Mapping[str, float]
    """Engine -> the share of the latency that it waits between its first and its last instruction."""
    critical: Critical
    improvements: tuple[Improvement, ...]
    """The one that helps most first."""
    singles: tuple[Single, ...]
    """Flat tensors that move an element at a time."""
    assumptions: tuple[Assumption, ...]
    """Numbers that nobody has published for the chip, and that the latency depends on; the one that matters most first."""
    apart: tuple[Apart, ...]
    """Places of the text that meet device memory an element at a time, the one that would gain most first."""
    traffic: Traffic
    energy: EnergyUse | None
    price_usd: float | None
    """The price of the busy cores' share of the chip for the time of the run. None if the chip has no price."""


def analyse(program: EngineProgram, report: Report) -> Analysis:
    """Walks the program with a recorder, then once for each improvement."""
    seen, used = record(program), traffic(program)
    return Analysis(
        stalled=_stalled(seen, report),
        critical=critical(seen),
        improvements=sweep(program),
        singles=program.family.single_elements(program),
        assumptions=assumptions(program),
        apart=program.family.elements_apart(program),
        traffic=used,
        energy=energy(program.chip, used),
        price_usd=price_usd(program.chip, report.latency_us, program.cores),
    )


def _stalled(seen: Record, report: Report) -> dict[str, float]:
    """From an engine's first start to its last end, less what it is busy."""
    shares = {}
    for name, engine in report.engines.items():
        here = [event for event in seen.events if event.instruction.engine == name]
        span = (max(event.end for event in here) - min(event.start for event in here)) / seen.latency if here else 0.0
        shares[name] = max(0.0, span - engine.busy_share)
    return shares
