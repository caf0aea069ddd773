"""Tensors and tiles read, and the other values written with brackets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tilery.dsl.errors import Label
from tilery.dsl.functions import joined
from tilery.dsl.program import AffineIndex, Axis, AxisIndex, Index, Load, Tensor, Value, index_axes, index_values
from tilery.dsl.report import did_you_mean
from tilery.dsl.text import syntax
from tilery.dsl.types import BOOL, F32, AnyType, type_name

from ..context import Checked, Context
from ..scope import Gone, Local
from .cuts import OnChip, completed, cut, in_brackets, report_gone, warn_turned, without_axes
from .indices import Evaluate, check_index, check_inside

Fill = float | int | bool


def subscript(c: Context, node: syntax.Subscript, evaluate: Evaluate) -> Checked:
    """`a[m, k]`, `x[n + 1, else 0]`, `zeros[m, n]`, `index[N]` as values."""
    name = node.base.text
    if name == "zeros":
        return zeros(c, node)
    if name == "index":
        return _index(c, node)
    tensor = c.argument(name) or c.temp(name)
    if name in c.broken:
        return None
    local = c.scope.names.get(name)
    if tensor is None and isinstance(local, Local) and not c.calls:
        return _of_tile(c, node, local, evaluate)
    if tensor is None and isinstance(local, Gone):
        report_gone(c, node.base, local)
        return None
    if tensor is None:
        _not_a_tensor(c, node)
        return None
    c.used.add(name)
    index, fill = _read_at(c, tensor, node, evaluate)
    if index is None:
        return None
    return _load(c, tensor if c.in_reference else c.phases.read(tensor), index, fill, node)


def _of_tile(c: Context, node: syntax.Subscript, local: Local, evaluate: Evaluate) -> Checked:
    c.scope.read.add(node.base.text)
    if local.value is None or without_axes(c, node, local):
        return None
    whole, tile = in_brackets(c, node, local.value, local.span)
    index, fill = _read_at(c, tile, completed(c, node, tile.axes), evaluate)
    if local.missing is None:
        warn_turned(c, tile, local.value, index, node)
    return cut(c, node, replace(local, value=whole), tile.by_axes(index, whole), fill)


def _read_at(
    c: Context, tensor: Tensor | OnChip, node: syntax.Subscript, evaluate: Evaluate
) -> tuple[tuple[Index, ...] | None, Fill | None]:
    """Where something is read, None after a report, and what it reads as outside."""
    fill = _fill(c, tensor.dtype, node.otherwise, evaluate) if node.otherwise else None
    index = check_index(c, tensor, node, evaluate, twice=True)
    if index is None or (node.otherwise and fill is None):
        return None, None
    if fill is None and not check_inside(c, tensor, index, node):
        return None, None
    if fill is not None:
        _warn_needless(c, index, node.otherwise)
    if fill is not None and isinstance(tensor, Tensor) and not _fills_whole(c, tensor, index, node):
        return None, None
    return index, fill


def _load(c: Context, tensor: Tensor, index: tuple[Index, ...], fill: Fill | None, node: syntax.Subscript) -> Value:
    """Reads; dimensions `1 or M` that have one element are read at it, whatever the text says, and give no axis."""
    if not tensor.spread and not c.emit.lacking:
        return c.emit.add(Load(c.emit.value(index_axes(index), tensor.dtype, node.span), tensor, index, fill))
    one = {place for place, _ in tensor.spread}
    read = tuple(AffineIndex((), 0) if place in one else each for place, each in enumerate(index))
    value = c.emit.add(Load(c.emit.value(index_axes(read), tensor.dtype, node.span), tensor, read, fill))
    gathered = [axis for each in index_values(index) for axis in c.emit.lacking.get(each, ())]
    return c.emit.lacks(value, (*index_axes(index), *gathered))


def _fills_whole(c: Context, tensor: Tensor, index: tuple[Index, ...], node: syntax.Subscript) -> bool:
    """Reports `else` for positions of a dimension `1 or M`: whether they lie outside would depend on which it is."""
    for place in tensor.either:
        if not isinstance(index[place], AxisIndex):
            what = f"`{tensor.name}` may have one element along `{tensor.written[place]}`, and `else` asks which lie outside"
            help = f"read it at the axis alone, and choose with `where(...)`; or declare `{tensor.written[place]}` without `1 or`"
            c.report.error("TK328", what, node.items[place].span, "expected an axis", help)
            return False
    return True


def _fill(c: Context, dtype: AnyType, node: syntax.Expr, evaluate: Evaluate) -> Fill | None:
    """The number that positions outside read as, or None after a report."""
    with c.emit.block():
        value = evaluate(c, node)
    if value is None:
        return None
    number = c.emit.known.get(value)
    if number is None:
        if value in c.emit.static and c.constants is None:
            return 0
        c.report.error("TK326", "positions outside read as a number that is known before the kernel runs", node.span)
        return None
    if not _fits(dtype, value):
        help = "write `true` or `false`" if dtype == BOOL else ""
        what = f"positions outside read as {type_name(value.dtype)}, and what is read holds {type_name(dtype)}"
        c.report.error("TK326", what, node.span, f"expected {type_name(dtype)}", help)
        return None
    return number


def _fits(dtype: AnyType, value: Value) -> bool:
    if BOOL in (dtype, value.dtype):
        return dtype == value.dtype
    return value.dtype != F32 or getattr(dtype, "kind", "float") == "float"


def _warn_needless(c: Context, index: tuple[Index, ...], node: syntax.Expr | None) -> None:
    if c.constants is None and node is not None and all(isinstance(each, AxisIndex) for each in index):
        c.report.warn("TK293", "nothing is read outside here, and `else` does nothing", node.span)


def _not_a_tensor(c: Context, node: syntax.Subscript) -> None:
    name = node.base.text
    if (result := c.result(name)) is not None:
        others = (Label(result.span, "declared as a result here"),)
        help = "bind the value to a name before it is stored, and use that"
        c.report.error("TK210", f"the result `{name}` can only be written", node.span, help=help, others=others)
    elif name in c.scope.names or c.taken(name):
        c.scope.read.add(name)
        help = f"a tile lines up by its axes' names: write `{name}` alone"
        c.report.error("TK211", f"`{name}` is no tensor, and only tensors are indexed", node.base.span, help=help)
    else:
        later = f"a tile that is read before its parts are written begins whole: `{name} = zeros[...]` before the loop"
        tensors = (each.name for each in (*c.signature.tensors, *c.signature.temps))
        near = did_you_mean(name, [*tensors, *c.scope.locals(), "zeros", "index"])
        hint = later if name in c.in_parts else near
        c.report.error("TK201", f"there is no tensor `{name}`", node.base.span, "not found", hint)


def axes_in(
    c: Context, items: tuple[syntax.Expr, ...], role: str, numbered: Collection[Axis] | None = ()
) -> tuple[Axis, ...] | None:
    """Distinct axes named in brackets, or None after a report; which numbers are axes `numbered` says as in `axis_named`."""
    found = [c.axis_named(each, role, numbered) for each in items]
    axes = tuple(each for each in found if each)
    if len(axes) < len(items):
        return None
    for position, axis in enumerate(axes):
        if axis in axes[:position]:
            c.report.error("TK303", f"the axis `{axis.name}` stands here twice", items[position].span)
            return None
    return axes


def zeros(c: Context, node: syntax.Subscript) -> Checked:
    """A tile of zeros: of f32, or of the type that sums of what stands behind `like` have."""
    if node.otherwise is not None or not node.items:
        c.report.error("TK304", "`zeros` needs the axes of the tile", node.span, "expected axes", "write `zeros[m, n]`")
        return None
    axes = axes_in(c, node.items, "an axis of the tile", None)
    if not node.like:
        return c.emit.fill(c.emit.constant(0.0, node.span), axes, node.span) if axes is not None else None
    types = [_type_named(c, each) for each in node.like]
    known = [each for each in types if each is not None]
    if axes is None or len(known) < len(types):
        return None
    return c.emit.fill(c.emit.zero(joined(known), node.span), axes, node.span)


def _type_named(c: Context, node: syntax.Name) -> AnyType | None:
    """The element type of the tensor or the value of that name, or None after a report."""
    if (tensor := c.argument(node.text)) is not None:
        c.used.add(node.text)
        return tensor.dtype
    binding = c.scope.names.get(node.text)
    if isinstance(binding, Local):
        c.scope.read.add(node.text)
        return binding.value.dtype if binding.value is not None else None
    if node.text not in c.broken:
        hint = did_you_mean(node.text, [*(each.name for each in c.signature.tensors), *c.scope.locals()])
        c.report.error("TK201", f"there is no tensor or tile `{node.text}`", node.span, "not found", hint)
    return None


def _index(c: Context, node: syntax.Subscript) -> Checked:
    if node.otherwise is not None or len(node.items) != 1:
        help = "write `index[N]`"
        c.report.error("TK304", "`index` gives the positions along one dimension", node.span, "expected one name", help)
        return None
    axis = c.axis_named(node.items[0], "an axis", None)
    return c.emit.positions(axis, node.span) if axis else None
