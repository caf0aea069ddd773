"""Functions applied to values: elementwise ones, reductions, casts, `full` and `dot`."""

from __future__ import annotations

from ...functions import FUNCTIONS, NAMED, REDUCTIONS, SCANS, VARIADIC, joined, may_be_bool
from ...program import Axis, Reduce, Value
from ...report import axes_said, did_you_mean
from ...spans import Span
from ...text import syntax
from ...types import BOOL, F32, I32, AnyType, ElementType, type_name
from ..context import Checked, Context
from ..places.reads import axes_in
from .products import contraction
from .random_numbers import rand
from .scans import has_axes, scan


def elementwise(c: Context, fn: str, operands: tuple[Value, ...], span: Span) -> Checked:
    """An elementwise function or operator of as many operands as it takes; checks that bools are where they belong."""
    wants_bool = {"logic": operands, "select": operands[:1]}.get(FUNCTIONS[fn].gives, ())
    for each in wants_bool:
        if not may_be_bool(each.dtype):
            what = f"`{FUNCTIONS[fn].symbol or fn}` takes truth values, and this is {type_name(each.dtype)}"
            c.report.error("TK314", what, each.span, "expected bool", "compare it: `x != 0`")
            return None
    if FUNCTIONS[fn].gives == "integer" and not all(_is_whole(c, fn, each) for each in operands):
        return None
    return c.emit.elementwise(fn, operands, span)


def _is_whole(c: Context, fn: str, operand: Value) -> bool:
    """Reports an operand whose bits are not looked at."""
    kind = operand.dtype
    if not isinstance(kind, ElementType) or kind.kind == "int":
        return True
    help = "truth values are joined by `and`, `or`, `not`" if kind == BOOL else "cast it: `i32(x)`"
    c.report.error("TK314", f"`{fn}` takes whole numbers, and this is {type_name(kind)}", operand.span, "expected integers", help)
    return False


def apply(c: Context, node: syntax.Call, operands: tuple[Value, ...]) -> Checked:
    """`exp(x)`, `where(c, a, b)`, `max(a, b, c)`."""
    function = NAMED[node.function.text]
    if function.name in VARIADIC and len(operands) > 2:
        first, *rest = operands
        for each in rest:
            first = c.emit.elementwise(function.name, (first, each), node.span)
        return first
    if len(node.arguments) != function.arity:
        axes = " (to reduce over an axis, name it: `" + f"{function.name}[n](x)`)" if function.name in REDUCTIONS else ""
        what = f"`{function.name}` takes {function.arity} and is given {len(node.arguments)}"
        c.report.error("TK306", what + axes, node.span, f"expected {function.arity}")
        return None
    return elementwise(c, function.name, operands, node.span)


def cast(c: Context, node: syntax.Call, dtype: AnyType, operands: tuple[Value, ...]) -> Checked:
    """`f32(x)`, `T(p)`."""
    if len(operands) != 1:
        c.report.error("TK306", f"the cast `{dtype}` takes 1 and is given {len(operands)}", node.span, "expected 1")
        return None
    if dtype == BOOL and operands[0].dtype != BOOL:
        c.report.error("TK314", "numbers are no truth values", node.span, help="compare them: `x != 0`")
        return None
    return c.emit.cast(operands[0], dtype, node.span)


def apply_over_axes(c: Context, node: syntax.Call, operands: tuple[Value, ...], whole: bool) -> Checked:
    """`sum[n](x)`, `full[m](value)`, `dot[k](a, b)`; `whole` is false if an operand has a mistake."""
    name, wanted = node.function.text, 2 if node.function.text == "dot" else 1
    if name not in REDUCTIONS and name not in SCANS and name not in ("full", "dot", "rand"):
        _no_such(c, node)
        return None
    if not node.axes:
        c.report.error("TK304", f"`{name}` needs its axes in brackets", node.span, help=f"write `{name}[n](...)`")
        return None
    if name == "rand":
        return rand(c, node, operands, whole)
    if name in SCANS:
        return scan(c, node, operands, whole)
    numbered = None if name == "full" else [axis for each in operands for axis in each.axes]
    axes = axes_in(c, node.axes, "an axis", numbered)
    if len(node.arguments) != wanted:
        c.report.error("TK306", f"`{name}` takes {wanted} and is given {len(node.arguments)}", node.span, f"expected {wanted}")
        return None
    if axes is None or not whole:
        return None
    if name == "full":
        return _full(c, operands[0], axes, node.span)
    if name == "dot":
        return contraction(c, operands[0], operands[1], axes, node.span)
    return _reduce(c, name, operands[0], axes, node.span)


def _no_such(c: Context, node: syntax.Call) -> None:
    name = node.function.text
    if name in NAMED or name in c.functions or c.element_type(name) is not None:
        what = f"`{name}` works element by element and takes no axes"
        c.report.error("TK304", what, node.span, help=f"write `{name}(...)`")
    elif c.argument(name) or c.result(name):
        c.used.add(name)
        c.report.error("TK213", f"the tensor `{name}` cannot be called", node.span, help="write `*` to multiply")
    else:
        hint = did_you_mean(name, [*REDUCTIONS, *SCANS, "full", "dot", "rand"])
        c.report.error("TK201", f"there is no reduction `{name}`", node.function.span, "not found", hint)


def _full(c: Context, value: Value, axes: tuple[Axis, ...], span: Span) -> Checked:
    if value.axes:
        what = f"`full` spreads a scalar, and this has {axes_said(value.axes)}"
        help = "tiles broadcast by themselves: `zeros[...] + x` gives x the axes that it lacks"
        c.report.error("TK307", what, value.span, "expected a scalar", help)
        return None
    return c.emit.fill(value, axes, span)


def _reduce(c: Context, fn: str, operand: Value, axes: tuple[Axis, ...], span: Span) -> Checked:
    operand = c.emit.spread(operand, axes)
    if not has_axes(c, fn, (operand,), axes, span):
        return None
    gives = REDUCTIONS[fn]
    if gives == "logic" and not may_be_bool(operand.dtype):
        help = "compare it: `x != 0`"
        c.report.error(
            "TK314", f"`{fn}` takes truth values, and this is {type_name(operand.dtype)}", operand.span, "expected bool", help
        )
        return None
    if gives == "index" and len(axes) > 1:
        c.report.error("TK309", f"`{fn}` gives a position, so it takes one axis", span, f"found {len(axes)}")
        return None
    kinds: dict[str, AnyType] = {
        "logic": BOOL,
        "index": I32,
        "float": F32,
        "same": joined([operand.dtype]),
        "kept": operand.dtype,
    }
    kept = tuple(each for each in operand.axes if each not in axes)
    result = c.emit.add(Reduce(c.emit.value(kept, kinds[gives], span), fn, operand, axes))
    return c.emit.lacks(result, c.emit.lacking.get(operand, ()))
