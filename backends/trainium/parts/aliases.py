"""Which values still lie in a buffer that is about to be overwritten in part. They are copied aside first.

old = row[m, 0]            a view of row
row[m, n] = x[m, n]        overwrites row in place: what is still to be read of it, `old`, gets a buffer of its own before
y[m] = old
"""

from __future__ import annotations

from collections.abc import Collection

from tilery.backends.machine.engine_program import Buffer
from tilery.dsl.program import Carried, Value
from tilery.dsl.spans import Span

from ..lowering.builder import Builder
from ..lowering.transposes import copy


def read_later(builder: Builder, value: Value, besides: Collection[object] = ()) -> bool:
    """Whether anything but `besides` that reads a value has not been emitted yet."""
    return any(use.by not in besides and not _is_done(builder, use.by, value) for use in builder.uses.of(value))


def _is_done(builder: Builder, reader: object, value: Value) -> bool:
    if isinstance(reader, Carried):
        return reader in builder.begun and value is not reader.updated
    return reader in builder.done


def others_in(builder: Builder, storage: Buffer, besides: Collection[object] = ()) -> list[Value]:
    """The values that lie in a buffer, or in part of it, and are still to be read."""
    here = [value for value, home in builder.home.items() if home.storage is storage]
    return [value for value in here if read_later(builder, value, besides)]


def set_aside(builder: Builder, storage: Buffer, besides: Collection[object], span: Span) -> None:
    """Copies what is still to be read of a buffer before part of it is overwritten."""
    for value in others_in(builder, storage, besides):
        builder.home[value] = duplicate(builder, builder.home[value], f"{builder.label(value)}.before", span)


def duplicate(builder: Builder, home: Buffer, name: str, span: Span) -> Buffer:
    """A copy of a buffer, in one of its own."""
    made = builder.buffer(name, "sbuf", home.element, home.axes, home.partition, builder.work_slots())
    copy(builder, home, made, name, span)
    return made
