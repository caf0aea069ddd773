"""Transfers of single elements: which they are, why, and what another storage order would gain.

    x[m, 2 * j]              every second element of a row: two bytes at a time
    x[m, j], j of N by 1     one element of each row

To find the gain, the program is timed again with that statement's transfers as fast as if their elements lay together.
Flat tensors with one element a partition are reported by `runs.told`, which names the layout to use instead.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from tilery.dsl.program import AffineIndex, GatherIndex

from ..machine.engine_program import EngineProgram, Instruction, Loop, Node, Transfer
from ..machine.explain.elements import Apart
from ..machine.time.timing import latency_fs
from ..machine.time.totals import Totals
from .addressing import contiguous_axis, long_axes
from .transfers import run_bytes


def elements_apart(program: EngineProgram) -> tuple[Apart, ...]:
    """The places where another storage order would save time, largest gain first."""
    before = latency_fs(program)
    found = []
    for nodes in _places(program):
        after = latency_fs(_together(program, nodes))
        if after < before:
            found.append(_apart(next(iter(nodes)), after / 1e9, 1 - after / before))
    return tuple(sorted(found, key=lambda each: -each.gain))


def _places(program: EngineProgram) -> list[frozenset[Instruction]]:
    """The transfers of single elements, grouped by their place in the text."""
    places: dict[tuple[object, ...], set[Instruction]] = {}
    for node, _, extents in Totals(program.structure, program.dims, program.tiles, program.cores).executed():
        action = node.action
        if not isinstance(action, Transfer) or _is_flat(action):
            continue
        if run_bytes(action, extents, program.dims) == action.buffer.element.bytes:
            places.setdefault((action.tensor.name, action.store, node.span), set()).add(node)
    return [frozenset(nodes) for nodes in places.values()]


def _is_flat(action: Transfer) -> bool:
    """Whether a tile's only axis lies across the partitions: then the layout causes the single elements, not the index."""
    axis = action.buffer.partition
    return axis is not None and long_axes(action.index) == [axis] and contiguous_axis(action.index) == axis


def _together(program: EngineProgram, nodes: frozenset[Instruction]) -> EngineProgram:
    """The program in which some transfers take no longer than if their elements lay together."""
    return replace(program, structure=replace(program.structure, body=_rebuilt(program.structure.body, nodes)))


def _rebuilt(body: tuple[Node, ...], nodes: frozenset[Instruction]) -> tuple[Node, ...]:
    found: list[Node] = []
    for node in body:
        if isinstance(node, Loop):
            stages = tuple(replace(stage, body=_rebuilt(stage.body, nodes)) for stage in node.stages)
            found.append(replace(node, stages=stages))
        elif node in nodes and isinstance(node.action, Transfer):
            found.append(replace(node, action=replace(node.action, together=True)))
        else:
            found.append(node)
    return tuple(found)


def _apart(node: Instruction, latency_us: float, gain: float) -> Apart:
    action = node.action
    assert isinstance(action, Transfer)
    name, element = action.tensor.name, ceil(action.buffer.element.bytes)
    why, instead = _advice(action)
    text = node.span.text.split("=")[0].strip() if action.store else node.span.text
    return Apart(text or name, str(node.span), name, action.store, element, why, instead, latency_us, gain)


def _advice(action: Transfer) -> tuple[str, str]:
    """Why a transfer moves single elements, and what to write instead."""
    name, last, axis = action.tensor.name, action.index[-1], contiguous_axis(action.index)
    other = _other_axis(action)
    turned = f"store {name} the other way round, with {other} last" if other else f"give {name} another last dimension"
    rows = "write whole rows" if action.store else "read whole rows"
    if axis is not None and axis.unit:
        return f"{axis} takes one position a step", f"tile {axis} without `by 1`, or {turned}"
    if axis is not None and axis == action.buffer.partition:
        return f"{axis} is last and lies across the partitions", f"tile another axis, or {turned}"
    if axis is not None:
        return f"{axis} has one position", f"take longer tiles of {axis}, or {turned}"
    if isinstance(last, AffineIndex) and last.terms:
        stepped = " and ".join(str(each) for each, _ in last.terms)
        return f"{stepped} goes along the last dimension in steps", f"{rows}, or store what {stepped} takes together, or {turned}"
    if isinstance(last, GatherIndex):
        return f"{last.value.name} chooses single elements", f"{rows} and select from them, or {turned}"
    return "one position of the last dimension is taken", f"{rows}, or {turned}"


def _other_axis(action: Transfer) -> str:
    """An axis that lies along each partition, and could be last in device memory."""
    free = [axis for axis in long_axes(action.index) if axis in action.buffer.free and axis not in long_axes(action.index[-1:])]
    return str(free[-1]) if free else ""
