"""Tensors read and written: the axes in brackets against the dimensions of the signature."""

from __future__ import annotations

from . import syntax
from .context import Checked, Context
from .errors import Label
from .program import Axis, AxisIndex, Load, Positions, Tensor
from .report import did_you_mean
from .types import I32


def check_index(c: Context, tensor: Tensor, node: syntax.Subscript) -> tuple[AxisIndex, ...] | None:
    """The axes at which a tensor is read or written, one for each of its dimensions, or None after a report."""
    if node.otherwise is not None:
        c.report.later("`else` in brackets", node.otherwise.span)
        return None
    axes = [c.axis_named(each, "an index") for each in node.items]
    if len(axes) != len(tensor.shape):
        shape = f"{tensor.name}: {tensor.dtype}[{', '.join(map(str, tensor.shape))}]"
        what = f"`{tensor.name}` has {_count(len(tensor.shape), 'dimension')} and is indexed by {len(axes)}"
        c.report.error("TK301", what, node.span, f"expected {len(tensor.shape)}", others=(Label(tensor.span, shape),))
        return None
    found = [
        axis if axis and _fits(c, tensor, position, axis, item) else None
        for position, (axis, item) in enumerate(zip(axes, node.items, strict=True))
    ]
    index = tuple(AxisIndex(axis) for axis in found if axis)
    if len(index) < len(axes):
        return None
    return index if _distinct(c, tensor, [each.axis for each in index], node) else None


def _fits(c: Context, tensor: Tensor, position: int, axis: Axis, item: syntax.Expr) -> bool:
    size = tensor.shape[position]
    if axis.size == size:
        return True
    covers = f"`{axis.name}` runs over `{axis.size}`" if not axis.whole else f"`{axis.name}` is another dimension"
    what = f"dimension {position + 1} of `{tensor.name}` is `{size}`, and {covers}"
    others = [Label(tensor.span, f"`{tensor.name}` is declared here")]
    if axis.name in c.variables:
        others.append(Label(c.variables[axis.name].span, f"`{axis.name}` is bound here"))
    c.report.error("TK302", what, item.span, f"expected an axis over `{size}`", others=tuple(others))
    return False


def _distinct(c: Context, tensor: Tensor, axes: list[Axis], node: syntax.Subscript) -> bool:
    for position, axis in enumerate(axes):
        if axis in axes[:position]:
            what = f"`{axis.name}` indexes `{tensor.name}` twice, and a tile never has one axis twice"
            c.report.error("TK303", what, node.items[position].span)
            return False
    return True


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")


def subscript(c: Context, node: syntax.Subscript) -> Checked:
    """`a[m, k]`, `zeros[m, n]`, `index[N]` as values."""
    name = node.base.text
    if name == "zeros":
        return zeros(c, node)
    if name == "index":
        return _index(c, node)
    tensor = c.argument(name)
    if name in c.broken:
        return None
    if tensor is None:
        _not_a_tensor(c, node)
        return None
    c.used.add(name)
    index = check_index(c, tensor, node)
    if index is None:
        return None
    return c.emit.add(Load(c.emit.value(tuple(each.axis for each in index), tensor.dtype, node.span), tensor, index))


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
        hint = did_you_mean(name, [*(each.name for each in c.signature.tensors), "zeros", "index"])
        c.report.error("TK201", f"there is no tensor `{name}`", node.base.span, "not found", hint)


def axes_in(c: Context, items: tuple[syntax.Expr, ...], role: str) -> tuple[Axis, ...] | None:
    """Distinct axes named in brackets, or None after a report."""
    found = [c.axis_named(each, role) for each in items]
    axes = tuple(each for each in found if each)
    if len(axes) < len(items):
        return None
    for position, axis in enumerate(axes):
        if axis in axes[:position]:
            c.report.error("TK303", f"the axis `{axis.name}` stands here twice", items[position].span)
            return None
    return axes


def zeros(c: Context, node: syntax.Subscript) -> Checked:
    """A tile of f32 zeros."""
    if node.otherwise is not None or not node.items:
        c.report.error("TK304", "`zeros` needs the axes of the tile", node.span, "expected axes", "write `zeros[m, n]`")
        return None
    axes = axes_in(c, node.items, "an axis of the tile")
    if axes is None:
        return None
    return c.emit.fill(c.emit.constant(0.0, node.span), axes, node.span)


def _index(c: Context, node: syntax.Subscript) -> Checked:
    if node.otherwise is not None or len(node.items) != 1:
        help = "write `index[N]`"
        c.report.error("TK304", "`index` gives the positions along one dimension", node.span, "expected one name", help)
        return None
    axis = c.axis_named(node.items[0], "an axis")
    return c.emit.add(Positions(c.emit.value((axis,), I32, node.span), axis)) if axis else None
