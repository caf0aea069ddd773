"""Flat tensors that are moved an element at a time: why they are not in runs, and what that costs."""

from __future__ import annotations

from tilery.backends.machine.choosing.assemble import lowering
from tilery.backends.machine.engine_program import EngineProgram, Transfer
from tilery.backends.machine.explain.elements import Single
from tilery.backends.machine.time.totals import Totals
from tilery.dsl.program import Axis

from ..addressing import contiguous_axis, long_axes
from ..chip_tables import trainium
from ..cost import duration_s
from ..lowering.lower import Lowering
from ..transfers import transferred_bytes


def single_elements(program: EngineProgram) -> tuple[Single, ...]:
    """The flat axes with one element a partition, those that lose most time first."""
    lost: dict[Axis, float] = {}
    tensors: dict[Axis, dict[str, None]] = {}
    chip = trainium(program.chip)
    for node, times, extents in Totals(program.structure, program.dims, program.tiles, program.cores).executed():
        action = node.action
        axis = _flat_axis(action) if isinstance(action, Transfer) else None
        if axis is None or not isinstance(action, Transfer):
            continue
        taken = duration_s(node, chip, extents, program.dims)
        needed = max(chip.dma.floor_ns * 1e-9, transferred_bytes(action, chip, extents) / chip.dma_bytes_per_s)
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
    road = lowering(program.kernel, program.chip)
    assert isinstance(road, Lowering)
    bars = road.bars(axis)
    if bars:
        return Single(axis.name, tensors, lost_s, bars[0].why, bars[0].instead)
    return Single(axis.name, tensors, lost_s, f"layout.{axis} is rows", f"--set layout.{axis}=runs")
