"""An entry of a results file: what was tuned, and the configuration found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from tilery.backends.chips import Chip
from tilery.backends.tunable import Choice
from tilery.dsl import fingerprint, program

from ..result import Measured, Result

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Extent = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Setting = Extent | str
"""A choice in the file: a tile size, a number of slots, or a name."""
Fingerprint = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8,64}$")]


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a tuning depends on."""

    kernel: str
    chip: str
    types: dict[str, str]
    dims: dict[str, Extent]
    constants: dict[str, int | bool]
    cores: Extent = 1
    """How many cores of the chip share the work."""

    def __str__(self) -> str:
        parts = [f"{name}={str(value).lower()}" for name, value in (self.dims | self.types | self.constants).items()]
        cores = f" --cores {self.cores}" if self.cores > 1 else ""
        return f"{self.kernel} {' '.join(parts)} --chip {self.chip}{cores}"


class Prints(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fingerprints of the program and the chip. An entry whose fingerprints differ from the current ones is stale."""

    program: Fingerprint
    chip: Fingerprint


class RunnerUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A configuration that came close."""

    latency_us: Positive
    config: dict[str, Setting]
    measured_latency_us: Positive | None = None


class FrontMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A configuration of a front."""

    values: dict[str, float]
    """By objective, with its unit: `latency_us`, `energy_j`, `cost_usd`, `error`."""
    config: dict[str, Setting]
    max_error: Annotated[float, msgspec.Meta(ge=0)]


class MeasuredFigures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Measured figures, beside the model's figures of the same names."""

    latency_us: Positive
    default_latency_us: Positive | None
    command: str
    agreement: Annotated[float, msgspec.Meta(ge=-1, le=1)] | None
    """Spearman's rank correlation of predicted and measured latencies."""
    count: Count
    failed: Count


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A tuned configuration and its figures."""

    key: Key
    prints: Prints
    objective: str
    config: dict[str, Setting]
    latency_us: Positive
    bound: str
    peak_share: Annotated[float, msgspec.Meta(ge=0, le=1)]
    default_latency_us: Positive
    max_error: Annotated[float, msgspec.Meta(ge=0)]
    tolerance: Annotated[float, msgspec.Meta(ge=0)]
    space: Count
    feasible: Count
    evaluated: Count
    stop: str
    runners_up: list[RunnerUp]
    tilery: str
    """The version of tilery that wrote it."""
    values: dict[str, float] = {}
    """The winner's objectives, if others than latency were asked for."""
    front: list[FrontMember] = []
    """With several objectives: the front, the winner included."""
    max_error_allowed: Positive | None = None
    """The error bound under which element types were chosen."""
    measured: MeasuredFigures | None = None
    """The measured figures, for the objective `measured`. `latency_us` and similar fields are predictions all the same."""


def key_of(kernel: program.Program, dims: Mapping[str, int], chip: Chip, cores: int = 1) -> Key:
    """The key of a specialised kernel, a shape and a chip, or several of its cores."""
    types = {name: str(kind) for name, kind in kernel.types.items()}
    return Key(kernel=kernel.name, chip=chip.name, types=types, dims=dict(dims), constants=dict(kernel.constants), cores=cores)


def prints_of(kernel: program.Program, chip: Chip) -> Prints:
    """The fingerprints of a specialised kernel and a chip as they are now."""
    return Prints(program=fingerprint(kernel), chip=chip.fingerprint)


def entry_of(result: Result, key: Key, prints: Prints, version: str) -> Entry:
    """The entry of a tuning's result."""
    return Entry(
        key=key,
        prints=prints,
        objective=result.objective,
        config=_plain(result.config),
        latency_us=result.latency_us,
        bound=result.bound,
        peak_share=result.peak_share,
        default_latency_us=result.default_latency_us,
        max_error=result.max_error,
        tolerance=result.tolerance,
        space=result.space,
        feasible=result.feasible,
        evaluated=result.evaluated,
        stop=result.stop,
        runners_up=[
            RunnerUp(latency_us=each.latency_us, config=_plain(each.config), measured_latency_us=each.measured_us)
            for each in result.runners_up
        ],
        tilery=version,
        values=dict(result.values) if result.objective not in ("latency", "measured") else {},
        front=[
            FrontMember(values=dict(each.values), config=_plain(each.config), max_error=each.max_error) for each in result.front
        ],
        max_error_allowed=result.max_error_allowed,
        measured=_figures(result.measured) if result.measured else None,
    )


def _figures(measured: Measured) -> MeasuredFigures:
    return MeasuredFigures(
        latency_us=measured.latency_us,
        default_latency_us=measured.default_latency_us,
        command=measured.command,
        agreement=measured.agreement,
        count=measured.count,
        failed=sum(measured.failures.values()),
    )


def _plain(config: Mapping[str, Choice]) -> dict[str, int | str]:
    return dict(config)
