"""Cuts: a part of a tile on the chip, or all of it under other axes. Most are access patterns, and take no instruction.

row[m, k]            an access pattern of row
x[m, N - 1, else 0]  a copy of what lies inside, after the rest is cleared
h[b, G] @ u[G, H]    an access pattern where H lies across the partitions of h; else the product turns it, as any operand
"""

from __future__ import annotations

from tilery.backends.machine.engine_program import Buffer, Copy
from tilery.backends.machine.errors import CannotLower, said
from tilery.dsl.program import Cut, Dot, GatherIndex

from ..lowering.builder import Builder
from ..lowering.loads import clear
from ..lowering.reading.gathers import gather_cut
from ..lowering.transposes import across, copying_engine
from .views import view


def cut(builder: Builder, op: Cut) -> None:
    """Gives a cut its buffer: a view, or a copy where positions outside the tile read as a number."""
    if any(isinstance(each, GatherIndex) for each in op.index):
        builder.done.add(op)
        gather_cut(builder, op, builder.home[op.tile])
        return
    part = view(builder, op, builder.home[op.tile], op.result.span)
    builder.home[op.result] = part if op.fill is None else _filled(builder, op, part)
    builder.done.add(op)
    wanted = builder.layout[op.result]
    if wanted == part.partition or all(isinstance(use.by, Dot) for use in builder.uses.of(op.result)):
        return
    if wanted is None or part.partition is None:
        where = f"across the partitions along {part.partition}" if part.partition else "on every partition alike"
        other = f"across them along {wanted}" if wanted else "whole on every one"
        why = f"{said(op.tile)} lies {where}, and what is cut from it is needed {other}"
        raise CannotLower("TK530", builder.chip.name, op.result.span, why, "load the part from device memory")
    builder.home[op.result] = across(builder, op.result, wanted, op.result.span)


def _filled(builder: Builder, op: Cut, part: Buffer) -> Buffer:
    assert op.fill is not None
    name, span = builder.label(op.result), op.result.span
    made = builder.buffer(name, "sbuf", part.element, part.axes, part.partition, builder.work_slots())
    clear(builder, made, op.fill, span)
    engine = copying_engine(builder, name, part, span)
    builder.emit(f"copy {name}", engine, "copy", Copy(part, made, fill=float(op.fill)), (part,), (made,), span)
    return made
