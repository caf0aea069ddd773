"""Scans: `cumsum[n](x)`, `cumprod[n, exclusive, reverse](x)`, `scan[n](a, b, start)`."""

from __future__ import annotations

from ...errors import Label
from ...functions import EXCLUSIVE, REVERSE, SCANS, joined
from ...program import Axis, Scan, Value
from ...report import axes_said, listed
from ...spans import Span
from ...text import syntax
from ...types import BOOL
from ..context import Checked, Context
from ..emitter import united
from ..places.reads import axes_in

WORDS = (EXCLUSIVE, REVERSE)


def scan(c: Context, node: syntax.Call, operands: tuple[Value, ...], whole: bool) -> Checked:
    """A scan along one axis; `whole` is false if an operand has a mistake."""
    fn, counts = node.function.text, SCANS[node.function.text]
    named, words = _parted(node.axes or ())
    if len({each.text for each in words}) < len(words):
        c.report.error("TK303", f"the word `{words[-1].text}` stands here twice", words[-1].span)
        return None
    axes = axes_in(c, named, "an axis", [axis for each in operands for axis in each.axes])
    if len(node.arguments) not in counts:
        takes = " or ".join(map(str, counts))
        help = "write `scan[n](a, b)` or `scan[n](a, b, start)`: h[i] = a[i] * h[i - 1] + b[i]" if fn == "scan" else ""
        c.report.error("TK306", f"`{fn}` takes {takes} and is given {len(node.arguments)}", node.span, f"expected {takes}", help)
        return None
    if axes is None or not whole:
        return None
    operands = _spread(c, operands, axes)
    if not _along_one(c, fn, operands, axes, node.span):
        return None
    for each in operands:
        if each.dtype == BOOL:
            c.report.error("TK314", f"`{fn}` takes numbers, and this is bool", each.span, "expected numbers", "cast it: `i32(x)`")
            return None
    texts = {each.text for each in words}
    result = c.emit.value(united([each.axes for each in operands]), joined([each.dtype for each in operands]), node.span)
    lacking = [axis for each in operands for axis in c.emit.lacking.get(each, ())]
    return c.emit.lacks(c.emit.add(Scan(result, fn, operands, axes[0], EXCLUSIVE in texts, REVERSE in texts)), lacking)


def _spread(c: Context, operands: tuple[Value, ...], axes: tuple[Axis, ...]) -> tuple[Value, ...]:
    """The operands, the first one with the axis of the scan where it lacks it and no other one has it."""
    missing = [axis for axis in axes if not any(axis in each.axes for each in operands[:2])]
    return (c.emit.spread(operands[0], missing), *operands[1:]) if missing else operands


def _parted(items: tuple[syntax.Expr, ...]) -> tuple[tuple[syntax.Expr, ...], list[syntax.Name]]:
    """The axes in the brackets of a scan, and the words behind the first of them."""
    words = [each for each in items[1:] if isinstance(each, syntax.Name) and each.text in WORDS]
    return tuple(each for each in items if each not in words), words


def _along_one(c: Context, fn: str, operands: tuple[Value, ...], axes: tuple[Axis, ...], span: Span) -> bool:
    """Reports a scan along several axes, along one that is not there, and a start that has it."""
    if not has_axes(c, fn, operands[:2], axes, span):
        return False
    if len(axes) > 1:
        c.report.error("TK309", f"`{fn}` runs along one axis", span, f"found {len(axes)}")
        return False
    if len(operands) == 3 and axes[0] in operands[2].axes:
        start = operands[2]
        what = f"the start of a scan along `{axes[0]}` is what there is before it, and this has {axes_said(start.axes)}"
        c.report.error(
            "TK318", what, start.span, f"expected a tile without `{axes[0]}`", f"take one position: `last[{axes[0]}](..)`"
        )
        return False
    return True


def has_axes(c: Context, fn: str, operands: tuple[Value, ...], axes: tuple[Axis, ...], span: Span) -> bool:
    """Reports axes that none of the operands has."""
    found = united([each.axes for each in operands])
    missing = [each for each in axes if each not in found]
    if missing:
        has = f"it has {listed(found)}" if found else "it is a scalar"
        what = f"`{fn}` over {listed(missing)}, which " + (
            "none of its operands has" if len(operands) > 1 else "its operand does not have"
        )
        others = (Label(operands[0].span, has),) if len(operands) == 1 else ()
        c.report.error("TK308", what, span, others=others)
    return not missing
