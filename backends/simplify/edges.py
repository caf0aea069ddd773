"""What has to stand beyond the last position of an axis, for every reader of a value.

The emulator and the engine program cut the last step of a loop short: there, nothing stands beyond it. A target whose tiles have
one size fills them up, and what it fills them with must not show in any result:

    p = exp(x - max[n](x))      max wants -inf beyond the last n. With x filled so, p is 0 there,
    y = p / sum[n](p)           and that is what the sum wants. Nothing is masked.

Every load is filled with what suits most of those that read it, directly or through other operations. Where that is not enough, a
value is masked, once for all that read it, or a reader masks for itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tilery.dsl.program import Axis, Dot, Load, Op, Reduce, Scan, Value, walk
from tilery.dsl.types import ElementType

from .beyond import Number, Standing
from .rewriter import Body

Fills = Mapping[Value, Number]
"""What some values are filled with beyond the end of one axis."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A reader to whom it matters what stands beyond the end of an axis."""

    reader: Op
    value: Value
    """What it reads."""
    axis: Axis
    wanted: Number | None
    """What leaves its result as it is; None: no number does, it has to know where the axis ends."""
    stands: Number | None
    """What stands there after fills and masks; None: it is not known before the run."""

    @property
    def settled(self) -> bool:
        """Whether the reader has nothing to mask."""
        return self.wanted is not None and self.stands is not None and float(self.wanted) == float(self.stands)


@dataclass(frozen=True, slots=True)
class AxisEdges:
    """The edge of one axis."""

    axis: Axis
    fills: Fills
    """What each load is filled with."""
    masks: Fills
    """Other values of which several readers, or one, want something that does not come by itself."""
    edges: tuple[Edge, ...]
    """In the order of the program."""


def edges(body: Body) -> tuple[AxisEdges, ...]:
    """The edges of every axis beyond which something is wanted, in the order in which the program comes to them."""
    wants = [each for op in walk(body) if isinstance(op, Op) for each in _wanted(op)]
    axes = dict.fromkeys(axis for _, _, axis, _ in wants)
    return tuple(_along(body, axis, [each for each in wants if each[2] == axis]) for axis in axes)


Want = tuple[Op, Value, Axis, "Number | None"]


def identity(fn: str, element: ElementType) -> Number | None:
    """The element that a reduction or a scan leaves out of account; None if there is none."""
    least, most = _range(element)
    known: Mapping[str, Number] = {
        "sum": 0, "mean": 0, "prod": 1, "any": False, "all": True,
        "max": least, "argmax": least, "min": most, "argmin": most,
        "cumsum": 0, "cumprod": 1, "cummax": least, "cummin": most,
    }  # fmt: skip
    return known.get(fn)


def _range(element: ElementType) -> tuple[Number, Number]:
    """The least and the greatest number of a type."""
    if element.kind == "float":
        return -math.inf, math.inf
    bits = round(8 * element.bytes)
    if element.kind == "bool":
        return False, True
    return (0, 2**bits - 1) if element.name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _wanted(op: Op) -> Iterator[Want]:
    """What an operation wants beyond the ends of the axes along which it mixes elements; of all others it wants nothing."""
    match op:
        case Reduce(fn=fn, operand=value, axes=axes) if fn != "first":  # the first element is there
            yield from ((op, value, axis, identity(fn, value.element)) for axis in axes if not axis.unit)
        case Scan(reverse=True, axis=axis, operands=operands) if not axis.unit:
            # Forward, what stands beyond the end comes last. Of `a h + b` backwards, a = 1 and b = 0 leave h as it is.
            filled: list[Number | None] = [1, 0] if op.fn == "scan" else [identity(op.fn, operands[0].element)]
            yield from ((op, value, axis, number) for value, number in zip(operands, filled, strict=False) if axis in value.axes)
        case Dot(left=left, right=right, axes=axes):
            # In both: 0 times an infinity is no number.
            yield from ((op, value, axis, 0) for axis in axes if not axis.unit for value in (left, right))


def _along(body: Body, axis: Axis, wants: Sequence[Want]) -> AxisEdges:
    """Fills one load after the other with what suits most readers, the others as they are by then."""
    loads = [op for op in walk(body) if isinstance(op, Load) and axis in op.result.axes]
    fills: dict[Value, Number] = {op.result: _candidates(op.result.element)[0] for op in loads}
    for op in loads:
        tried = [{**fills, op.result: each} for each in _candidates(op.result.element)]
        fills = max(tried, key=lambda some: sum(each.settled for each in _edges(body, axis, wants, some)))
    masks: dict[Value, Number] = {}
    found = _edges(body, axis, wants, fills)
    for place, (_, value, _, wanted) in enumerate(wants):
        if found[place].settled or wanted is None or value in fills | masks:
            continue
        masked = _edges(body, axis, wants, {**fills, **masks, value: wanted})
        if sum(each.settled for each in masked) > sum(each.settled for each in found):
            masks[value], found = wanted, masked
    return AxisEdges(axis, fills, masks, found)


def _candidates(element: ElementType) -> tuple[Number, ...]:
    """What a load may be filled with, the simplest first."""
    if element.kind == "bool":
        return False, True
    infinite = element.kind == "float" and element.name not in ("f8e4m3", "f8e4m3fn")
    return (0, 1, *_range(element)) if infinite or element.kind == "int" else (0, 1)


def _edges(body: Body, axis: Axis, wants: Sequence[Want], fills: Fills) -> tuple[Edge, ...]:
    standing = Standing(axis, fills)
    standing.block(body)
    return tuple(Edge(op, value, axis, wanted, standing.of(value)) for op, value, _, wanted in wants)


def in_words(body: Body) -> str:
    """The edges as a page: an axis a paragraph."""
    pages = ["\n".join(_lines(each)) for each in edges(body)]
    if not pages:
        return "no reader minds what stands beyond the end of an axis"
    return "\n\n".join(pages)


def _lines(along: AxisEdges) -> Iterator[str]:
    yield f"beyond the last {along.axis}"
    yield from (f"    {value.span.text} is filled with {_said(number)}" for value, number in along.fills.items())
    yield from (f"    {value.span.text} is masked to {_said(number)}" for value, number in along.masks.items())
    yield from (f"    {each.reader.result.span.text}: {_verdict(each)}" for each in along.edges)


def _verdict(edge: Edge) -> str:
    what = edge.value.span.text
    if edge.wanted is None:
        return f"has to know where {edge.axis} ends"
    if edge.settled:
        return f"wants {_said(edge.wanted)}, and {what} is {_said(edge.wanted)} there"
    stands = "not known before the run" if edge.stands is None else _said(edge.stands)
    return f"wants {_said(edge.wanted)}; {what} is {stands} there, and the reader masks it"


def _said(number: Number) -> str:
    return str(number).lower() if isinstance(number, bool) else f"{number:g}"
