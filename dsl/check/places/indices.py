"""What stands in the brackets of a tensor: axes, shifted and strided positions, integer tiles."""

from __future__ import annotations

from collections.abc import Callable

from tilery.dsl import sizes
from tilery.dsl.errors import Label
from tilery.dsl.program import AffineIndex, Axis, AxisIndex, GatherIndex, Index, Tensor, Value, index_axes
from tilery.dsl.text import syntax
from tilery.dsl.types import ElementType, type_name

from ..context import Checked, Context
from ..scope import Local
from .cuts import OnChip, within
from .linear import Linear
from .outside import outside

Evaluate = Callable[[Context, syntax.Expr], Checked]


def check_index(
    c: Context, tensor: Tensor | OnChip, node: syntax.Subscript, evaluate: Evaluate, *, twice: bool = False
) -> tuple[Index, ...] | None:
    """How a tensor or a tile is read or written, one index for each of its dimensions, or None after a report.

    With `twice` an axis may stand in several of them, `x[i, i]`.
    """
    if len(node.items) != len(tensor.shape):
        noun, extents = ("axis", tensor.axes) if isinstance(tensor, OnChip) else ("dimension", tensor.shape)
        text = tensor.dimensions_text if isinstance(tensor, Tensor) else ", ".join(map(str, extents))
        shape = f"{tensor.name}: {type_name(tensor.dtype)}[{text}]"
        what = f"`{tensor.name}` has {_count(len(tensor.shape), noun)} and is indexed by {len(node.items)}"
        c.report.error("TK301", what, node.span, f"expected {len(tensor.shape)}", others=(Label(tensor.span, shape),))
    found = [_index(c, tensor, position, item, evaluate) for position, item in enumerate(node.items)]
    index = tuple(each for each in found if each is not None)
    if len(index) < len(found) or len(index) != len(tensor.shape):
        return None
    return index if twice or _distinct(c, tensor, index, node) else None


def _index(c: Context, tensor: Tensor | OnChip, position: int, item: syntax.Expr, evaluate: Evaluate) -> Index | None:
    axis = _bare_axis(c, tensor, position, item)
    if axis is None and isinstance(item, syntax.Name) and not _has_value(c, item.text):
        c.axis_named(item, "an index")  # which says that there is none
        return None
    if axis is not None:
        form: Linear | None = Linear({axis: 1})
    else:
        with c.emit.block() as out:
            value = evaluate(c, item)
        if value is None:
            return None
        form = c.emit.form(value)
        if form is None:
            c.emit.out += out
            return _gather(c, tensor, position, value, item)
    if position >= len(tensor.shape):
        return None
    return _affine(c, tensor, position, form, axis, item) if form else None


def _bare_axis(c: Context, tensor: Tensor | OnChip, position: int, item: syntax.Expr) -> Axis | None:
    """The axis that an index names by itself; a name that the text has bound is a value.

    An `int` constant is the whole of a dimension that is declared as that constant, and a position in all others.
    """
    if not isinstance(item, syntax.Name) or isinstance(c.scope.names.get(item.text), Local):
        return None
    if any(each.name == item.text for each in c.signature.constants):
        return c.axis(item.text) if _declared_as(c, tensor, position) == item.text else None
    return c.axis(item.text)


def _declared_as(c: Context, tensor: Tensor | OnChip, position: int) -> str | None:
    """The name that a dimension is declared as, or that an axis of a tile has; None for arithmetic."""
    if position >= len(tensor.shape):
        return None
    if isinstance(tensor, OnChip):
        return tensor.axes[position].name
    declared = c.written[tensor.name][position]
    return declared.text if isinstance(declared, syntax.Name) else None


def _has_value(c: Context, name: str) -> bool:
    parameter = any(each.name == name for each in c.signature.parameters if not isinstance(each, Tensor))
    return name in c.scope.names or parameter or name in c.tunes or name in c.broken


def _affine(
    c: Context, tensor: Tensor | OnChip, position: int, form: Linear, axis: Axis | None, item: syntax.Expr
) -> Index | None:
    size = tensor.written[position]
    terms = tuple(form.terms.items())
    plain = terms[0][0] if len(terms) == 1 and terms[0][1] == 1 and form.offset == 0 else None
    if isinstance(tensor, OnChip) and not tensor.axes[position].whole:
        return within(c, tensor, position, plain, item)
    if plain is not None and plain.size == size:
        return AxisIndex(plain)
    # An axis that stands alone and runs over something else is a slip, unless it is shown to stay inside.
    if axis is not None and not sizes.never_negative(sizes.minus(size, axis.size)):
        _another_dimension(c, tensor, position, axis, item)
        return None
    return AffineIndex(terms, form.offset)


def _another_dimension(c: Context, tensor: Tensor | OnChip, position: int, axis: Axis, item: syntax.Expr) -> None:
    size = tensor.written[position]
    covers = f"`{axis.name}` runs over `{axis.size}`" if not axis.whole else f"`{axis.name}` is another dimension"
    what = f"dimension {position + 1} of `{tensor.name}` is `{size}`, and {covers}"
    others = [Label(tensor.span, f"`{tensor.name}` is {'bound' if isinstance(tensor, OnChip) else 'declared'} here")]
    if axis.name in c.variables:
        others.append(Label(c.variables[axis.name].span, f"`{axis.name}` is bound here"))
    c.report.error("TK302", what, item.span, f"expected an axis over `{size}`", others=tuple(others))


def _gather(c: Context, tensor: Tensor | OnChip, position: int, value: Value, item: syntax.Expr) -> Index | None:
    kind = value.dtype
    if isinstance(kind, ElementType) and kind.kind != "int":
        help = "cast it: `i32(x)`" if kind.kind == "float" else "choose with `where(x, a, b)`"
        what = f"an index is a whole number, and this is {type_name(kind)}"
        c.report.error("TK325", what, item.span, "expected an integer", help)
        return None
    if isinstance(tensor, OnChip) and position < len(tensor.axes) and not tensor.axes[position].whole:
        return within(c, tensor, position, None, item)
    return GatherIndex(value)


def _distinct(c: Context, tensor: Tensor | OnChip, index: tuple[Index, ...], node: syntax.Subscript) -> bool:
    """No axis twice, but where positions are gathered, `count[m, label[m]]`."""
    seen: set[Axis] = set()
    for each, item in zip(index, node.items, strict=True):
        if isinstance(each, GatherIndex):
            continue
        for axis in index_axes([each]):
            if axis in seen:
                what = f"`{axis.name}` indexes `{tensor.name}` twice, and what is not on the diagonal would be left unwritten"
                c.report.error("TK303", what, item.span)
                return False
            seen.add(axis)
    return True


def check_inside(c: Context, tensor: Tensor | OnChip, index: tuple[Index, ...], node: syntax.Subscript) -> bool:
    """Whether no position is sure to fall outside the tensor; what depends on sizes is left to `check_bounds`."""
    known = set(c.signature.dimensions)
    for each, size, item in zip(index, tensor.written, node.items, strict=True):
        if not isinstance(each, AffineIndex) or (found := outside(each, size, known)) is None:
            continue
        what = f"this position of `{tensor.name}` {found}, and its dimension is `{size}`"
        reading = c.result(tensor.name) is None
        help = f"say what positions outside read as: `{tensor.name}[..., else 0]`" if reading else ""
        if each == AffineIndex((), size):
            help = f"the whole dimension is `index[{size}]`"
        c.report.error("TK324", what, item.span, f"expected 0 to {sizes.minus(size, 1)}", help)
        return False
    return True


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else 'axes' if noun == 'axis' else noun + 's'}"
