"""`a @ b` and `dot[k](a, b)`: which axes are contracted, and of what types the operands may be."""

from __future__ import annotations

from ...errors import Label
from ...functions import product_type
from ...program import Axis, Dot, Value
from ...report import axes_said, listed
from ...spans import Span
from ...types import BOOL, F32, I32, ElementType, TypeVariable, Wide, type_name
from ..context import Checked, Context
from ..emitter import united


def product(c: Context, left: Value, right: Value, span: Span) -> Checked:
    """`left @ right`: contracts the one shared axis that is neither a `tile` variable nor of extent one."""
    left, right = _spread(c, left), _spread(c, right)
    tiled = {each.axis for frame in c.scope.frames if frame.kind == "tile" for each in frame.variables}
    candidates = [each for each in left.axes if each in right.axes and each not in tiled and not each.unit]
    if len(candidates) == 1:
        return contraction(c, left, right, (candidates[0],), span)
    others = (Label(left.span, _axes_of("left", left)), Label(right.span, _axes_of("right", right)))
    if candidates:
        what = f"`@` contracts one axis, and the operands share {listed(candidates)}"
        help = f"say which one: `dot[{candidates[0]}](..., ...)`"
    else:
        what = "`@` finds no axis to contract"
        help = _why_none([each for each in left.axes if each in right.axes])
    c.report.error("TK310", what, span, help=help, others=others)
    return None


def _spread(c: Context, value: Value) -> Value:
    """An operand with every axis that the text gives it."""
    return c.emit.spread(value, c.emit.lacking.get(value, ()))


def _axes_of(side: str, value: Value) -> str:
    return f"the {side} operand has {axes_said(value.axes)}"


def _why_none(shared: list[Axis]) -> str:
    if not shared:
        return "the operands share no axis; elementwise products are written `*`"
    text = "each is a `tile` variable or of extent one" if len(shared) > 1 else "it is a `tile` variable or of extent one"
    return f"the operands share {listed(shared)}, but {text}: `dot[{shared[0]}](..., ...)` contracts it all the same"


def contraction(c: Context, left: Value, right: Value, axes: tuple[Axis, ...], span: Span) -> Checked:
    """`dot[axes](left, right)`."""
    left, right = _spread(c, left), _spread(c, right)
    for side, value in (("left", left), ("right", right)):
        missing = [each for each in axes if each not in value.axes]
        if missing:
            what = f"the {side} operand has no axis {listed(missing)} to contract"
            c.report.error("TK311", what, span, others=(Label(value.span, f"it has {axes_said(value.axes)}"),))
            return None
    if not _types_agree(c, left, right, span):
        return None
    kept = tuple(each for each in united([left.axes, right.axes]) if each not in axes)
    return c.emit.add(Dot(c.emit.value(kept, product_type(left.dtype, right.dtype), span), left, right, axes))


def _types_agree(c: Context, left: Value, right: Value, span: Span) -> bool:
    others = (Label(left.span, f"this is {type_name(left.dtype)}"), Label(right.span, f"this is {type_name(right.dtype)}"))
    if BOOL in (left.dtype, right.dtype):
        c.report.error("TK312", "truth values cannot be multiplied", span, help="cast them: `f32(x)`", others=others)
        return False
    # The reference is evaluated in float64, where the types that tiles have in memory mean nothing. Whole numbers of any width
    # are multiplied as they are, into i32. What type variables stand for shows once they are bound.
    if left.dtype == right.dtype or c.in_reference or all(_is_whole(each) for each in (left, right)):
        return True
    if all(isinstance(each.dtype, TypeVariable) for each in (left, right)):
        return True
    kinds = f"{type_name(left.dtype)} and {type_name(right.dtype)}"
    what = f"a product needs operands of one type, and these are {kinds}"
    c.report.error("TK313", what, span, help=_cure(left, right), others=others)
    return False


def _is_whole(value: Value) -> bool:
    return isinstance(value.dtype, ElementType) and value.dtype.kind == "int"


def _cure(left: Value, right: Value) -> str:
    kinds = [each.dtype for each in (left, right) if not isinstance(each.dtype, Wide)]
    narrow = [each for each in kinds if each not in (F32, I32) and getattr(each, "kind", "float") == "float"]
    target = (narrow or kinds or [F32])[0]
    return f"cast one: `{target}(x)`"
