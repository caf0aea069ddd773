"""Tiles on the chip read in brackets: a part, `row[m, k]`, places, `row[m, k - 1, else 0]`, all under another axis, `h[b, G]`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tilery.dsl.errors import Label
from tilery.dsl.program import Axis, AxisIndex, Cut, Fill, Index, Insert, Load, LoopVariable, Size, Value, index_axes
from tilery.dsl.report import listed
from tilery.dsl.spans import Span
from tilery.dsl.text import syntax
from tilery.dsl.types import AnyType

from ..context import Checked, Context
from ..scope import Gone, Local
from .so_far import Filling

Number = float | int | bool


@dataclass(frozen=True, slots=True)
class OnChip:
    """A tile as brackets see it: beside a tensor, its dimensions have axes of their own."""

    name: str
    shape: tuple[Size, ...]
    axes: tuple[Axis, ...]
    dtype: AnyType
    span: Span
    """Where it is bound."""

    @property
    def written(self) -> tuple[Size, ...]:
        """The extents that the text indexes."""
        return self.shape

    def by_axes(self, index: tuple[Index, ...] | None, value: Value) -> tuple[Index, ...] | None:
        """An index in the order of the text as one in the order of the value's axes."""
        return None if index is None else tuple(index[self.axes.index(each)] for each in value.axes)


def in_brackets(c: Context, node: syntax.Subscript, value: Value, span: Span) -> tuple[Value, OnChip]:
    """A tile with every axis that the text gives it, and what the brackets behind its name are checked against.

    They count the axes as the text does: where a tile broadcasts, constants change the order in which its axes come.
    """
    name = node.base.text
    whole = c.emit.spread(value, c.emit.lacking.get(value, ()))
    if c.constants is None:
        c.uneven[node.span, name] = tuple(each.name for each in whole.axes)
    by_name = {each.name: each for each in whole.axes}
    known = tuple(by_name[each] for each in c.uneven.get((node.span, name), ()) if each in by_name)
    axes = known if len(known) == len(whole.axes) else whole.axes
    return whole, OnChip(name, tuple(each.size for each in axes), axes, whole.dtype, span)


def completed(c: Context, node: syntax.Subscript, axes: tuple[Axis, ...]) -> syntax.Subscript:
    """The brackets behind a tile with the axes of extent one that they leave out: there is one place along these."""
    left_out = [each for each in axes if each.unit and c.scope.axis(each.name) == each]
    if not left_out or len(node.items) != len(axes) - len(left_out):
        return node
    given = iter(node.items)
    items = tuple(syntax.Name(node.base.span, each.name) if each in left_out else next(given) for each in axes)
    return replace(node, items=items)


def within(c: Context, tile: OnChip, position: int, axis: Axis | None, item: syntax.Expr) -> AxisIndex | None:
    """The index of an axis of which the tile has the part of one step: itself, or what cuts it further; None after a report."""
    own = tile.axes[position]
    inner = axis
    while inner is not None and inner != own:
        inner = c.scope.axis(inner.parent) if inner.parent else None
    if axis is not None and inner is not None:
        return AxisIndex(axis)
    what = f"`{tile.name}` has no more of axis {position + 1} than the tile of `{own}`"
    help = f"take it whole, `{own}`, or cut it: `for k of {own}`; other places are read from a tensor, or from a whole dimension"
    c.report.error("TK341", what, item.span, f"expected `{own}`", help, (Label(tile.span, f"`{tile.name}` is bound here"),))
    return None


def cut(c: Context, node: syntax.Subscript, local: Local, index: tuple[Index, ...] | None, fill: Number | None) -> Checked:
    """The value of a tile in brackets; `index` is checked already."""
    tile = local.value
    if tile is None or index is None or not readable(c, node.base.text, local, index, node.span):
        return None
    if index == tuple(AxisIndex(each) for each in tile.axes):
        return tile
    return c.emit.add(Cut(c.emit.value(index_axes(index), tile.dtype, node.span), tile, index, fill))


def warn_turned(c: Context, tile: OnChip, value: Value, index: tuple[Index, ...] | None, node: syntax.Subscript) -> None:
    """Warns of `a[K, M]` where `a` has the axes [M, K], in an order that no brackets of the text say.

    Two axes over one dimension may stand in each other's place, and a slip would go through as a tile that is turned.
    """
    if index is None or c.constants is not None or isinstance(c.emit.ops.get(value), Load | Fill | Cut | Insert):
        return
    for own, each in zip(tile.axes, index, strict=True):
        once = index.count(each) == 1  # a diagonal names one axis twice
        if isinstance(each, AxisIndex) and once and each.axis != own and each.axis in tile.axes:
            order = ", ".join(map(str, tile.axes))
            order_is = f"`{tile.name}` has the axes [{order}], as they first come in what it is made of"
            what = f"{order_is}; here `{each.axis}` stands for `{own}`"
            help = f"if that is meant, say so where it is bound: `{tile.name}[{order}] = ...`"
            c.report.warn("TK296", what, node.span, help=help, others=(Label(tile.span, f"`{tile.name}` is bound here"),))
            return


def readable(c: Context, name: str, local: Local, index: tuple[Index, ...] | None, span: Span) -> bool:
    """Whether what is read of a tile, at an index or all of it, is written by then; reports it where it is not."""
    filling = local.missing
    if filling is None or filling.complete:
        return True
    index = index or tuple(AxisIndex(each) for each in filling.axes)
    if filling.covers(index, c.scope.axis):
        return True
    if (owing := filling.reading(index, span, _loops(c))) is not None:
        c.scope.names[name] = Local(local.value, local.span, owing)
        return True
    report_unwritten(c, name, filling, span)
    return False


def report_unwritten(c: Context, name: str, filling: Filling, span: Span) -> None:
    """Says that a tile is read before it is written."""
    known = [f"[{', '.join(map(str, each))}]" for each in sorted(filling.regions, key=str)]
    here = f"written by then is {listed(known)}" if known else "nothing is written by then"
    here = "a loop that may leave steps out writes nothing for certain" if filling.guarded else here
    whole = ", ".join(map(str, filling.axes))
    help = f"read it after the loop that writes it, or start from a whole tile: `{name} = zeros[{whole}]`"
    others = (Label(filling.span, "written here"),)
    c.report.error("TK460", f"`{name}` is read before all that is read of it is written", span, here, help, others)


def after_loop(
    c: Context, variable: LoopVariable, guarded: bool, after: Filling | None, before: Filling | None
) -> Filling | None:
    """What is written of a tile after a loop; reports what its steps read and no earlier step of it writes."""
    if before is None or after is None:
        return after
    for each in after.broken(variable, guarded, c.scope.axis):
        what = f"this is read before it is written: no step of `{variable.axis}` writes all of its part"
        help = "write it in every step, or start from a whole tile, `zeros[...]`"
        c.report.error("TK460", what, each.span, "", help, (Label(after.span, "written here"),))
    return after.after(variable, before, guarded, c.scope.axis)


def _loops(c: Context) -> list[LoopVariable]:
    """The variables of the loops in order around, outermost first."""
    return [each for frame in c.scope.frames if frame.kind == "for" for each in frame.variables]


def report_gone(c: Context, node: syntax.Name, binding: Gone) -> None:
    """Says that a name has lost its value."""
    c.scope.read.add(node.text)
    others = (Label(binding.span, "bound here"),)
    c.report.error("TK402", f"`{node.text}` has no value here: {binding.why}", node.span, others=others)


def without_axes(c: Context, node: syntax.Subscript, local: Local) -> bool:
    """Reports brackets behind a name that is one number."""
    if local.value is None or local.value.axes:
        return False
    help = f"write `{node.base.text}` alone"
    others = (Label(local.span, "bound here"),)
    c.report.error("TK211", f"`{node.base.text}` is one number and has no places", node.span, "", help, others)
    return True
