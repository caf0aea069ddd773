"""Calls of `fn`s: checked anew for the operands of each call, and kept by name beside the operations they come to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ...errors import Label
from ...known_fns import Known
from ...program import Call, Op, Signature, Value
from ...specialise.needed import needed_ops
from ...text import syntax
from ..context import Checked, Context
from ..scope import Scope

DEEPEST_CALL = 12
"""`fn`s calling each other."""

NO_SIGNATURE = Signature((), (), (), ())
"""What a `fn` sees of the kernel that calls it."""


def inline(
    c: Context,
    node: syntax.Call,
    known: Known,
    operands: tuple[Value, ...],
    whole: bool,
    evaluate: Callable[[Context, syntax.Expr], Checked],
) -> Checked:
    """The value of calling a `fn`; `whole` is false if an operand has a mistake."""
    function = known.node
    if len(node.arguments) != len(function.parameters):
        what = f"`{function.name}` takes {len(function.parameters)} and is given {len(node.arguments)}"
        others = (Label(function.span, "declared here"),)
        c.report.error("TK306", what, node.span, f"expected {len(function.parameters)}", others=others)
        return None
    if not whole or not _may_enter(c, node, known):
        return None
    inner = dataclasses.replace(
        c,
        signature=NO_SIGNATURE,
        types={},
        functions=known.home,
        scope=Scope(),
        variables={},
        counters={},
        tunes={},
        calls=[*c.calls, known],
    )
    for parameter, operand in zip(function.parameters, operands, strict=True):
        inner.scope.bind(parameter.text, operand, parameter.span)
    mark = c.report.mark()
    with c.emit.block() as body:
        value = evaluate(inner, function.body)
    c.report.trace(mark, Label(node.span, "in this call"))
    return _kept(c, node, operands, value, [each for each in body if isinstance(each, Op)])


def _may_enter(c: Context, node: syntax.Call, known: Known) -> bool:
    function = known.node
    if known in c.calls:
        others = (Label(function.span, "declared here"),)
        c.report.error("TK214", f"`{function.name}` calls itself", node.span, help="a `fn` cannot recur", others=others)
        return False
    if len(c.calls) >= DEEPEST_CALL:
        c.report.error("TK111", f"`fn`s call each other more than {DEEPEST_CALL} deep", node.span)
        return False
    return True


def _kept(c: Context, node: syntax.Call, operands: tuple[Value, ...], value: Checked, body: list[Op]) -> Checked:
    if value is None:
        return None
    if value in c.emit.known:
        return c.emit.constant(c.emit.known[value], node.span)
    ops = needed_ops(body, value)
    if not ops:  # the function gives one of its operands as it is
        return value
    result = c.emit.value(value.axes, value.dtype, node.span)
    if value in c.emit.static:
        c.emit.static.add(result)
    if value in c.emit.linear:
        c.emit.linear[result] = c.emit.linear[value]
    c.emit.lacks(result, c.emit.lacking.get(value, ()))
    return c.emit.add(Call(result, node.function.text, operands, ops))
