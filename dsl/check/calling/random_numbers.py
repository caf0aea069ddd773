"""`rand[m, n](seed, stream)`: uniform numbers in [0, 1), which depend on positions, seed and stream alone.

bits = random_bits(m, n, seed, stream)                    of three axes or more the first counter is row-major over all but one
rand = f32(bit_and(shift_right(bits, 8), 2**24 - 1)) * 2**-24
"""

from __future__ import annotations

from ...program import Axis, Value
from ...report import axes_said
from ...spans import Span
from ...text import syntax
from ...types import F32, ElementType, type_name
from ..context import Checked, Context
from ..places.reads import axes_in

BITS = 24
"""As many as an f32 holds: every number is a whole multiple of 2 ** -24, and exact."""


def rand(c: Context, node: syntax.Call, operands: tuple[Value, ...], whole: bool) -> Checked:
    """A tile of random numbers; `whole` is false if an operand has a mistake."""
    if not node.axes:
        c.report.error("TK304", "`rand` needs the axes of the tile", node.span, "expected axes", "write `rand[m, n](seed)`")
        return None
    axes = axes_in(c, node.axes, "an axis of the tile", None)
    if len(node.arguments) not in (1, 2):
        what = f"`rand` takes a seed, and perhaps the number of a stream, and is given {len(node.arguments)}"
        c.report.error("TK306", what, node.span, "expected 1 or 2")
        return None
    if axes is None or not whole or not all(_is_key(c, each) for each in operands):
        return None
    seed, stream = operands if len(operands) == 2 else (*operands, c.emit.constant(0, node.span))
    counters = _rows(c, axes[:-1], node.span), c.emit.positions(axes[-1], node.span)
    bits = c.emit.elementwise("random_bits", (*counters, seed, stream), node.span)
    return _uniform(c, bits, node.span)


def _is_key(c: Context, value: Value) -> bool:
    """Reports what is no single whole number."""
    if value.axes:
        c.report.error(
            "TK307", f"`rand` takes single numbers, and this has {axes_said(value.axes)}", value.span, "expected a scalar"
        )
        return False
    if isinstance(value.dtype, ElementType) and value.dtype.kind == "int":
        return True
    c.report.error("TK314", f"`rand` takes whole numbers, and this is {type_name(value.dtype)}", value.span, "expected i32")
    return False


def _rows(c: Context, axes: tuple[Axis, ...], span: Span) -> Value:
    """The place among the positions of some axes, row-major; 0 of none."""
    if not axes:
        return c.emit.constant(0, span)
    place = c.emit.positions(axes[0], span)
    for axis in axes[1:]:
        place = c.emit.elementwise("mul", (place, c.emit.size(axis.size, span)), span)
        place = c.emit.elementwise("add", (place, c.emit.positions(axis, span)), span)
    return place


def _uniform(c: Context, bits: Value, span: Span) -> Value:
    upper = c.emit.elementwise("shift_right", (bits, c.emit.constant(32 - BITS, span)), span)
    upper = c.emit.elementwise("bit_and", (upper, c.emit.constant((1 << BITS) - 1, span)), span)
    return c.emit.elementwise("mul", (c.emit.cast(upper, F32, span), c.emit.constant(2.0**-BITS, span)), span)
