"""From a checked program to steps over a frame, a line a stage."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from tilery.dsl import program
from tilery.dsl.program import Op, Statement

from ..chunks import chunks
from ..frame import Layout, Step
from . import blocks
from .allocation import Scope, Shared
from .emulator_passes import prepare
from .fuse import Accumulate
from .renewing import renewals
from .survey import converted_tensors, unevaluated

MOST_WORKERS = 8
WORTH_SHARING = 1 << 21
"""Elements to be computed from which a second worker pays."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a call, and the frames that they run on."""

    before: Sequence[Step]
    """What one worker does before all of them begin."""
    steps: Sequence[Step]
    layout: Layout
    converted: frozenset[str]
    """Tensors to be brought to computing form before the steps."""
    workers: int
    """How many workers share the steps of the outer tile loop."""
    sizes: Mapping[str, int]
    """How far each tile axis goes in one step."""


def plan(
    kernel: program.Program, dims: Mapping[str, int], tiles: Mapping[str, int], scratch_bytes: int, fast_accumulate: bool = False
) -> Plan:
    """Plans for the given tile sizes, with temporaries made smaller until all workers' fit.

    Of `scratch_bytes` they get half, and inputs held in computing form a quarter; the rest is for masks and what numpy takes on
    the way.
    """
    body = prepare(kernel.body)
    workers = _workers(body, dims)
    shrink = 1
    while True:
        sizes = chunks(body, dims, tiles, workers, shrink, fast_accumulate)
        made = _plan(kernel, body, dims, sizes, workers, scratch_bytes)
        if made.layout.total_bytes * workers <= scratch_bytes // 2 or shrink > ELEMENTWISE_SHRINK:
            return made
        workers, shrink = 1, 4 * shrink


ELEMENTWISE_SHRINK = 1 << 12


def _plan(
    kernel: program.Program,
    body: Sequence[Statement],
    dims: Mapping[str, int],
    sizes: Mapping[str, int],
    workers: int,
    scratch_bytes: int,
) -> Plan:
    ops = {each.result: each for text in (kernel.body, tuple(body)) for each in program.walk(text) if isinstance(each, Op)}
    shared = Shared(
        kernel=kernel,
        dims=dims,
        sizes=sizes,
        converted=converted_tensors(body, dims, sizes, scratch_bytes // 4),
        ops=ops,
        lazy=unevaluated(body, ops, dims),
        accumulated={each.result: each.total for each in ops.values() if isinstance(each, Accumulate)},
        mask_bytes=scratch_bytes // 16,
        shared_loop=next((each for each in body if isinstance(each, program.TileLoop)), None) if workers > 1 else None,
    )
    scope = Scope(shared, _whole_axes(kernel, dims))
    first, renewing = renewals(body)
    blocks.lower_block(body, scope, before=renewing)
    return Plan(first, scope.steps, shared.layout, shared.converted, workers, sizes)


def _whole_axes(kernel: program.Program, dims: Mapping[str, int]) -> dict[str, int]:
    values = (each.result for each in program.walk(kernel.body) if isinstance(each, Op))
    return {axis.name: program.size_value(axis.size, dims) for value in values for axis in value.axes if axis.whole}


def _workers(body: Sequence[Statement], dims: Mapping[str, int]) -> int:
    """More than one only where the program is one tile loop whose steps write apart, and is long enough."""
    loops = [each for each in body if not isinstance(each, Op)]
    adding = any(isinstance(each, program.Store) and each.accumulate for each in program.walk(tuple(body)))
    if len(loops) != 1 or not isinstance(loops[0], program.TileLoop) or adding:
        return 1
    return min(MOST_WORKERS, _processors()) if _elements(body, dims, {}) >= WORTH_SHARING else 1


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _elements(body: Sequence[Statement], dims: Mapping[str, int], around: Mapping[str, int]) -> int:
    """Elements that all the steps compute together; thirty-two multiplications of a product count as one."""
    total = 0
    for each in body:
        match each:
            case program.TileLoop():
                total += _elements(each.body, dims, {**around, **_axes([one.axis for one in each.variables], dims)})
            case program.ForLoop():
                total += _elements(each.body, dims, {**around, **_axes([each.variable.axis], dims)})
            case program.Dot() | Accumulate():
                axes = [*each.left.axes, *each.right.axes]
                total += prod({**around, **_axes(axes, dims)}.values()) // 32
            case program.Elementwise() | program.Cast():
                total += prod({**around, **_axes(each.result.axes, dims)}.values())
    return total


def _axes(axes: Sequence[program.Axis], dims: Mapping[str, int]) -> dict[str, int]:
    return {axis.name: program.size_value(axis.size, dims) for axis in axes}
