"""Which axes of a group's values may be cut into runs, and why not the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from tilery.dsl.program import Axis, Cut, Dot, GatherIndex, Index, Insert, Load, Reduce, Scan, Statement, Store, Value, index_axes
from tilery.dsl.spans import Span
from tilery.dsl.types import F32

from ..addressing import contiguous_axis
from ..lowering.uses import statements


@dataclass(frozen=True, slots=True)
class Bar:
    """Why an axis of a value's group cannot be cut into runs."""

    axis: Axis | None
    """None: no axis can, one that the value has not either."""
    why: str
    span: Span
    instead: str = "give the tensors two dimensions, and read along the second one"
    """What to write."""


class Runs:
    """Which axes the statements of a kernel allow to be cut into runs."""

    def __init__(self, body: Iterable[Statement], multiplied: Collection[str]) -> None:
        """`multiplied`: the element types that the tensor engine multiplies, with which it combines the partitions' results."""
        self._reduced: set[tuple[Value, Axis]] = set()
        self._bars: dict[Value, list[Bar]] = {}
        self._contiguous: dict[Value, list[Axis]] = {}
        for statement in statements(tuple(body)):
            if isinstance(statement, Reduce):
                self._reduced |= {(statement.operand, axis) for axis in statement.axes}
            for value, bar in _bars(statement, multiplied):
                self._bars.setdefault(value, []).append(bar)
            for value, index in _transfers(statement):
                axis = contiguous_axis(index)
                if axis is not None and not axis.unit:
                    self._contiguous.setdefault(value, []).append(axis)

    def worthwhile(self, members: Iterable[Value]) -> list[Axis]:
        """The axes that are contiguous in device memory, the most frequent first."""
        met = [axis for value in members for axis in self._contiguous.get(value, [])]
        return sorted(dict.fromkeys(met), key=lambda axis: -met.count(axis))

    def reduced(self, members: Iterable[Value], axis: Axis) -> bool:
        """Whether a reduction runs along an axis."""
        return any((value, axis) in self._reduced for value in members)

    def bars(self, members: Iterable[Value], axis: Axis) -> list[Bar]:
        """Why a group cannot be cut along an axis; empty if it can."""
        return [bar for value in members for bar in self._bars.get(value, []) if bar.axis in (axis, None)]


def _transfers(statement: Statement) -> Iterator[tuple[Value, tuple[Index, ...]]]:
    match statement:
        case Load():
            yield statement.result, statement.index
        case Store():
            yield statement.value, statement.index
        case _:
            pass


def _bars(statement: Statement, multiplied: Collection[str]) -> Iterator[tuple[Value, Bar]]:
    """What a statement forbids: the value, and with the axis why it cannot be cut."""
    match statement:
        case Dot():
            why = "a matrix product takes its operands by rows"
            instead = "multiply several vectors at once, with a second axis for them"
            for value in (statement.left, statement.right):
                yield from _all_axes(value, why, statement.result.span, instead)
            if any(not axis.unit for axis in statement.result.axes):
                yield statement.result, Bar(None, why, statement.result.span, instead)
        case Scan():
            why = f"{statement.fn} goes along it"
            tiles = (*statement.operands, statement.result)
            yield from ((each, Bar(statement.axis, why, statement.result.span)) for each in tiles if statement.axis in each.axes)
        case Reduce(fn=fn, result=result) if fn in ("sum", "max", "min") and result.element == F32 and F32.name in multiplied:
            pass
        case Reduce():
            why = f"{statement.fn} of {statement.operand.dtype} goes along it"
            yield from ((statement.operand, Bar(axis, why, statement.result.span)) for axis in statement.axes)
        case Cut(tile=tile, result=part) | Insert(tile=tile, value=part):
            for value in (tile, part, statement.result):
                instead = "load the part from device memory"
                yield from _all_axes(value, "a part is taken of what every partition holds", statement.result.span, instead)
        case Load():
            yield from _gathers(statement.result, statement.index, statement.result.span)
        case Store():
            yield from _gathers(statement.value, statement.index, statement.span)
        case _:
            pass


def _gathers(value: Value, index: tuple[Index, ...], span: Span) -> Iterator[tuple[Value, Bar]]:
    """Positions that data choose, and axes that several dimensions follow."""
    for each in index:
        if isinstance(each, GatherIndex) and any(not axis.unit for axis in each.value.axes):
            why = "a gather takes one row a partition, at a position that lies there"
            instead = "gather longer rows, `x[ids[n], D]`, so that every position brings more"
            yield value, Bar(None, why, span, instead)
            yield each.value, Bar(None, why, span, instead)
    met = [axis for each in index for axis in index_axes((each,))]
    for axis in dict.fromkeys(met):
        if met.count(axis) > 1:
            yield value, Bar(axis, "several dimensions of a tensor follow it", span)


def _all_axes(value: Value, why: str, span: Span, instead: str) -> Iterator[tuple[Value, Bar]]:
    yield from ((value, Bar(axis, why, span, instead)) for axis in value.axes)
