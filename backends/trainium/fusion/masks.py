"""Selects by positions on the vector engine, which has to be given the condition as a tile of truth values.

    gpsimd   copy s.s = s; select s2 = where(j <= i, s.s, -inf)        GpSimd reads no PSUM
    vector   select s2.mask = where(j <= i, 1, 0) (gpsimd); select s2 = where(s2.mask, s, -inf), max = its max over j

Which of them is a choice, `engine.NAME`: the mask needs no data, so GpSimd computes it ahead.
"""

from __future__ import annotations

from dataclasses import replace

from tilery.backends.machine.engine_program import Buffer, Clear
from tilery.dsl.program import Axis, Value
from tilery.dsl.spans import Span
from tilery.dsl.types import BF16, BOOL

from ..instructions import AffineSelect, Select
from ..lowering.builder import Builder
from ..lowering.select import Group
from ..reductions.ones import filling


def with_mask(builder: Builder, group: Group) -> Group:
    """The group as it is, or with one select of the vector engine; what computes its mask is emitted then."""
    result, selects = group.main.result, [each for each in group.instructions if isinstance(each, AffineSelect)]
    across = builder.layout.get(result)
    if not selects or across is None or result in builder.runs or "select" not in builder.chip.vector.forms:
        return group
    name, data = builder.label(result), selects[0].data
    if not isinstance(data, Value) or builder.selector.is_scalar(result, across):
        return group
    reason = f"gpsimd selects by positions, and reads no PSUM; vector selects by a mask of {name}, which gpsimd computes"
    if builder.choices.pick(f"engine.{name}", ("gpsimd", "vector"), reason) == "gpsimd":
        return group
    mask = _mask(builder, name, selects, across, result.span)
    select = Select(result.axes, mask, data, selects[0].otherwise, result)
    return replace(group, engines=("vector",), instructions=(select,))


def _mask(builder: Builder, name: str, selects: list[AffineSelect], across: Axis, span: Span) -> Buffer:
    """The tile of truth values, one affine select of GpSimd for each comparison."""
    tile = _ones(builder, name, across, span)
    axes, no = selects[0].axes, builder.host.number(0.0, selects[0].otherwise)
    mask = builder.buffer(f"{name}.mask", "sbuf", BOOL, axes, across, builder.work_slots())
    for each in selects:
        action = AffineSelect(axes, each.predicate, tile, no, mask)
        builder.issue(f"select {mask.name}", "gpsimd", "select", action, span)
        tile = mask
    return mask


def _ones(builder: Builder, name: str, across: Axis, span: Span) -> Buffer:
    """A column of ones, read at every place of a row; made where the axis across the partitions is known."""
    loops = [place for place, frame in enumerate(builder.frames) if frame.axis == across]
    with builder.outside(loops[0] if loops else 0):
        made = builder.buffer(f"{name}.ones", "sbuf", BF16, (across,), across, builder.work_slots())
        builder.emit(f"memset {made.name}", filling(builder), "memset", Clear(made, 1.0), (), (made,), span)
    return made
