"""Flat tensors that are moved an element at a time: why they are not in runs, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass

from tilery.backends.machine.choosing.assemble import lowering
from tilery.backends.machine.engine_program import EngineProgram, Transfer
from tilery.backends.machine.time.summary import tile_sizes
from tilery.backends.machine.time.totals import Totals
from tilery.dsl.program import Axis

from ..addressing import contiguous_axis, long_axes
from ..cost import duration_s, transferred_bytes


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


def single_elements(program: EngineProgram) -> tuple[Single, ...]:
    """The flat axes with one element a partition, those that lose most time first."""
    lost: dict[Axis, float] = {}
    tensors: dict[Axis, dict[str, None]] = {}
    dma = program.chip.dma
    for node, times, extents in Totals(program.structure, program.dims, tile_sizes(program), program.cores).executed():
        action = node.action
        axis = _flat_axis(action) if isinstance(action, Transfer) else None
        if axis is None or not isinstance(action, Transfer):
            continue
        taken = duration_s(node, program.chip, extents, program.dims)
        needed = max(dma.floor_ns * 1e-9, transferred_bytes(action, program.chip, extents) / program.chip.dma_bytes_per_s)
        lost[axis] = lost.get(axis, 0.0) + float(times * max(0.0, taken - needed))
        tensors.setdefault(axis, {})[action.tensor.name] = None
    found = [_single(program, axis, tuple(tensors[axis]), seconds) for axis, seconds in lost.items() if seconds]
    return tuple(sorted(found, key=lambda each: -each.lost_s))


def _flat_axis(action: Transfer) -> Axis | None:
    """The only axis of a tile, if it lies across the partitions and along device memory."""
    axis = action.buffer.partition
    alone = axis is not None and long_axes(action.index) == [axis] and contiguous_axis(action.index) == axis
    return axis if alone else None


def _single(program: EngineProgram, axis: Axis, tensors: tuple[str, ...], lost_s: float) -> Single:
    bars = lowering(program.kernel, program.chip).bars(axis)
    if bars:
        return Single(axis.name, tensors, lost_s, bars[0].why, bars[0].instead)
    return Single(axis.name, tensors, lost_s, f"layout.{axis} is rows", f"--set layout.{axis}=runs")
