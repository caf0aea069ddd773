"""Expressions: each becomes operations that define one value."""

from __future__ import annotations

import math

from ..errors import Label
from ..functions import BINARY, NAMED, REDUCTIONS, SCANS
from ..report import did_you_mean
from ..text import syntax
from ..text.borrowed import function_help
from ..types import BOOL, I32
from .calling.calls import apply, apply_over_axes, cast, elementwise
from .calling.inlining import inline
from .calling.products import product
from .context import Checked, Context
from .places.cuts import readable, report_gone
from .places.reads import subscript
from .scope import Gone, Local

WORDS = ("inf", "zeros", "full", "index", "dot", "rand")
"""Names with a meaning of their own in expressions."""


def evaluate(c: Context, node: syntax.Expr) -> Checked:
    """The value of an expression, its operations emitted; None after a report."""
    value = _value(c, node)
    c.note(node.span, value)
    return value


def _value(c: Context, node: syntax.Expr) -> Checked:
    with c.nested(node.span):
        match node:
            case syntax.Number(value=value) | syntax.Truth(value=value):
                return c.emit.constant(value, node.span)
            case syntax.Name():
                return _name(c, node)
            case syntax.Unary():
                return _unary(c, node)
            case syntax.Binary():
                return _chain(c, node)
            case syntax.Subscript():
                return subscript(c, node, evaluate)
            case syntax.Call():
                return _call(c, node)


def _unary(c: Context, node: syntax.Unary) -> Checked:
    operand = evaluate(c, node.operand)
    if operand is None:
        return None
    return elementwise(c, {"-": "neg", "not": "not"}[node.op], (operand,), node.span) if node.op != "+" else operand


def _chain(c: Context, node: syntax.Binary) -> Checked:
    """Operators in a row, from the left, without recursion: long sums are no deep nesting."""
    spine = [node]
    while isinstance(spine[-1].left, syntax.Binary):
        spine.append(spine[-1].left)
    value = evaluate(c, spine[-1].left)
    for each in reversed(spine):
        value = _binary(c, each, value)
        c.note(each.span, value)
    return value


def _binary(c: Context, node: syntax.Binary, value: Checked) -> Checked:
    if _chained(node):
        what = "comparisons do not chain"
        c.report.error("TK305", what, node.span, help="write `a < b and b < c`")
        return None
    left, right = value, evaluate(c, node.right)
    if left is None or right is None:
        return None
    if node.op == "@":
        return product(c, left, right, node.span)
    return elementwise(c, BINARY[node.op], (left, right), node.span)


def _chained(node: syntax.Binary) -> bool:
    comparisons = ("<", "<=", ">", ">=", "==", "!=")
    return node.op in comparisons and _unbracketed_left(node) in comparisons


def _unbracketed_left(node: syntax.Binary) -> str:
    """The operator of the left operand; in brackets it is an operand like any other, and starts later than the whole does."""
    left = node.left
    same_start = (left.span.line, left.span.column) == (node.span.line, node.span.column)
    return left.op if isinstance(left, syntax.Binary) and same_start else ""


# --- names ------------------------------------------------------------------------------------------------------------


def _name(c: Context, node: syntax.Name) -> Checked:
    if node.text in c.broken:
        return None
    binding = c.scope.names.get(node.text)
    if isinstance(binding, Local):
        c.scope.read.add(node.text)
        return binding.value if readable(c, node.text, binding, None, node.span) else None
    if isinstance(binding, Gone):
        report_gone(c, node, binding)
        return None
    if node.text in c.tunes and not isinstance(c.tunes[node.text].default, str):
        return _tuned(c, node)
    return _parameter(c, node) or _position(c, node)


def _parameter(c: Context, node: syntax.Name) -> Checked:
    for scalar in c.signature.scalars:
        if scalar.name == node.text:
            c.used.add(node.text)
            return c.emit.parameter(node.text, scalar.dtype, node.span, constant=False)
    for constant in c.signature.constants:
        if constant.name == node.text:
            c.used.add(node.text)
            if c.constants is not None:
                return c.emit.constant(c.constants[node.text], node.span)
            return c.emit.parameter(node.text, BOOL if constant.kind == "bool" else I32, node.span, constant=True)
    return None


def _tuned(c: Context, node: syntax.Name) -> Checked:
    c.used.add(node.text)
    if c.in_reference:
        others = (Label(c.tunes[node.text].span, "declared here"),)
        what = "a reference says what is computed, however it is tuned"
        c.report.error("TK221", what, node.span, "this is a tuning parameter", others=others)
        return None
    if c.tuned is None:
        return c.emit.parameter(node.text, I32, node.span, constant=True)
    value = c.tuned[node.text]
    assert isinstance(value, int)
    return c.emit.constant(value, node.span)


def _position(c: Context, node: syntax.Name) -> Checked:
    if node.text == "inf":
        return c.emit.constant(math.inf, node.span)
    axis = c.axis(node.text)
    if axis is None:
        _unknown(c, node)
        return None
    return c.emit.size(axis.size, node.span) if axis.whole else c.emit.positions(axis, node.span)


def _unknown(c: Context, node: syntax.Name) -> None:
    name = node.text
    tensor = c.argument(name) or c.result(name) or c.temp(name)
    if tensor is not None:
        c.used.add(name)
        help = f"read it at the axes of a tile, like `{name}[{', '.join(map(str, tensor.shape))}]`"
        c.report.error("TK212", f"`{name}` is a tensor in memory, not a tile", node.span, "expected a value", help)
    elif name in c.variables:
        others = (Label(c.variables[name].span, "its loop"),)
        c.report.error("TK401", f"`{name}` is known only inside its loop", node.span, others=others)
    elif c.element_type(name) is not None:
        c.report.error("TK212", f"`{name}` is an element type", node.span, "expected a value", f"cast with `{name}(x)`")
    elif name in NAMED or name in REDUCTIONS or name in SCANS or name in c.functions or name in WORDS:
        c.report.error("TK212", f"`{name}` is a function", node.span, "expected a value", f"call it: `{name}(x)`")
    else:
        c.report.error("TK201", f"there is no `{name}` here", node.span, "not found", did_you_mean(name, _visible(c)))


def _visible(c: Context) -> list[str]:
    parameters = [each.name for each in (*c.signature.parameters, *c.signature.results)]
    axes = [each.axis.name for frame in c.scope.frames for each in frame.variables]
    return [*c.scope.locals(), *parameters, *axes, *c.signature.dimension_names, *c.tunes, "inf", "true", "false"]


# --- calls ------------------------------------------------------------------------------------------------------------


def _call(c: Context, node: syntax.Call) -> Checked:
    name = node.function.text
    operands = [evaluate(c, each) for each in node.arguments]
    checked = tuple(each for each in operands if each is not None)
    whole = len(checked) == len(operands)
    if node.axes is not None:
        return apply_over_axes(c, node, checked, whole)
    if name in c.functions:
        return inline(c, node, c.functions[name], checked, whole, evaluate)
    if name in NAMED:
        return apply(c, node, checked) if whole or len(operands) < NAMED[name].arity else None
    if (dtype := c.element_type(name)) is not None:
        c.used.add(name)
        return cast(c, node, dtype, checked) if whole else None
    _no_function(c, node)
    return None


def _no_function(c: Context, node: syntax.Call) -> None:
    name = node.function.text
    if name in REDUCTIONS or name in SCANS or name in ("zeros", "full", "dot", "index", "rand"):
        help = f"name the axes in brackets: `{name}[...](...)`" if name not in ("zeros", "index") else f"write `{name}[...]`"
        c.report.error("TK304", f"`{name}` needs its axes in brackets", node.span, help=help)
    elif c.argument(name) or c.result(name) or c.temp(name):
        c.used.add(name)
        help = f"brackets hold axes, parentheses hold values: `{name}[...]`"
        c.report.error("TK213", f"the tensor `{name}` cannot be called", node.function.span, help=help)
    else:
        hint = did_you_mean(
            name, [*NAMED, *REDUCTIONS, *SCANS, *c.functions, *c.types, "f32", "bf16", "f16", "i32", "dot", "full", "rand"]
        )
        c.report.error("TK201", f"there is no function `{name}`", node.function.span, "not found", function_help(name) or hint)
