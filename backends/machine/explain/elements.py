"""Transfers of one element at a time: what a family finds of them, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Single:
    """Flat tensors whose transfers move one element for each partition."""

    axis: str
    tensors: tuple[str, ...]
    lost_s: float
    """How much longer the same transfers take than if their bytes lay in runs. With longer tiles, runs save more."""
    why: str
    """Why the axis is not cut into runs: what forbids it, or the value of its knob."""
    instead: str
    """What to set, or to write."""


@dataclass(frozen=True, slots=True)
class Apart:
    """A place in the text whose transfers move single elements."""

    text: str
    """Its text, `x[m, 2 * j]`."""
    place: str
    """File, line and column."""
    tensor: str
    store: bool
    run_bytes: int
    """Consecutive bytes that a transfer moves at a time."""
    why: str
    instead: str
    """What to write."""
    latency_us: float
    """The latency if these elements lay together."""
    gain: float
    """The share of the latency that this saves."""
