"""Stationary tiles of ones, made once: a product with one adds up the partitions, and leaves the sum on every one of them."""

from __future__ import annotations

from tilery.backends.machine.engine_program import Buffer, Clear
from tilery.dsl.program import Axis
from tilery.dsl.spans import Span
from tilery.dsl.types import F32, ElementType

from ..lowering.builder import Builder


def lanes(builder: Builder, name: str, size: int | None = None) -> Axis:
    """An axis over the partitions, which no text names."""
    return Axis(f"%{name}", builder.chip.sbuf.partitions if size is None else size, whole=True)


def ones(builder: Builder, contracted: Axis, every: Axis, span: Span, element: ElementType = F32) -> Buffer:
    """A tile of ones with `contracted` across the partitions; the same one for all that ask for it."""
    name = f"ones{contracted.name}".replace("%", ".") + ("" if element == F32 else f".{element}")
    known = next((each for each in builder.buffers if each.name == name), None)
    if known is not None:
        return known
    with builder.outside(0):
        made = builder.buffer(name, "sbuf", element, (contracted, every), contracted, 1)
        builder.emit(f"memset {name}", filling(builder), "memset", Clear(made, 1.0), (), (made,), span)
    return made


def filling(builder: Builder) -> str:
    """The engine that writes one number into a tile, one that is seldom busy if there is one."""
    return next(each for each in ("gpsimd", "vector") if "memset" in builder.chip.engine(each).forms)
