"""What a search minimises, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tilery.dsl.errors import UsageError
from tilery.dsl.report import did_you_mean

NAMES = ("latency", "energy", "cost", "error")


class Named(Protocol):
    """An objective, as the search sees it."""

    @property
    def field(self) -> str:
        """Its name with its unit: `latency_us`, `energy_j`, `cost_usd`, `error`."""


def read_objectives(text: str) -> tuple[str, ...]:
    """`latency,energy` as names; `UsageError` for an unknown one or one named twice."""
    names = tuple(each.strip() for each in text.split(","))
    for name in names:
        if name not in NAMES:
            hint = did_you_mean(name, NAMES) or f"there are {', '.join(NAMES)}"
            raise UsageError(f"there is no objective `{name}`; {hint}")
    if len(set(names)) < len(names):
        raise UsageError(f"--objective {text} names one of them twice")
    return names


def values_by_name(objectives: Sequence[Named], values: tuple[float, ...]) -> dict[str, float]:
    """Values with the names and units of their objectives, as `energy_j`."""
    return {each.field: value for each, value in zip(objectives, values, strict=True)}
