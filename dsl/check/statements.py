"""Statements of a block: names bound, tensors written, branches, loops."""

from __future__ import annotations

from ..errors import Label
from ..program import Print
from ..report import did_you_mean
from ..text import syntax
from .branches import check_if
from .context import Context
from .counting import check_count
from .expressions import evaluate
from .looping import check_for, check_tile
from .places.inserts import check_insert
from .places.stores import check_store


def check_block(c: Context, statements: tuple[syntax.Stmt, ...]) -> None:
    """Checks statements in order, emitting what they come to."""
    for each in statements:
        with c.nested(each.span):
            _statement(c, each)


def _statement(c: Context, node: syntax.Stmt) -> None:
    match node:
        case syntax.Assign():
            _assign(c, node)
        case syntax.Tile():
            check_tile(c, node, check_block)
        case syntax.For():
            check_for(c, node, check_block)
        case syntax.If():
            check_if(c, node, check_block)
        case syntax.Count():
            check_count(c, node, check_block)
        case syntax.Doc():
            c.report.error("TK119", "a string here does nothing", node.span, help="a docstring comes first in the kernel")
        case syntax.Alone():
            c.report.error("TK114", "this value is not used", node.span, help="bind it to a name, `x = ...`, or store it")
        case syntax.Print():
            _print(c, node)
        case syntax.Reference() | syntax.Require() | syntax.AxisName() | syntax.Tune() | syntax.Temp():
            word = "axis" if isinstance(node, syntax.AxisName) else type(node).__name__.lower()
            c.report.error("TK120", f"`{word}` stands directly in the kernel, in no other block", node.span)


def _print(c: Context, node: syntax.Print) -> None:
    if c.in_reference:
        c.report.error("TK439", "a reference is evaluated as a whole and prints nothing", node.span, help="print it in a `tile`")
        return
    for each in node.values:
        value = evaluate(c, each)
        if value is not None:
            c.emit.out.append(Print(node.text, each.span.text, value, node.span))


def _assign(c: Context, node: syntax.Assign) -> None:
    match node.target:
        case syntax.Name():
            _bind(c, node.target, node)
        case syntax.Subscript(base=base) if c.taken(base.text) or base.text in c.broken:
            check_store(c, node.target, node)
        case syntax.Subscript():
            if _may_bind(c, node.target.base):
                check_insert(c, node.target, node)
        case _:
            c.report.error("TK114", "nothing can be assigned to this", node.target.span, "expected a name or a tensor's tile")


def _bind(c: Context, target: syntax.Name, node: syntax.Assign) -> None:
    if node.op is not None and _starts_from_nothing(c, target):
        return
    value = node.value if node.op is None else syntax.Binary(node.span, node.op, target, node.value)
    emitted = len(c.emit.out)
    result = evaluate(c, value)
    if not _may_bind(c, target):
        return
    if result is not None:
        result = c.emit.named(result, target.text, emitted)
    c.scope.bind(target.text, result, target.span)
    c.note(target.span, result)


def _starts_from_nothing(c: Context, target: syntax.Name) -> bool:
    """Reports `acc += x` where no `acc` is bound before, which every sum over a loop needs."""
    name = target.text
    taken = c.taken(name) is not None or name in c.counters or name in c.variables or name in c.tunes
    if taken or name in c.scope.names or name in c.broken or name in c.signature.dimension_names:
        return False
    near = did_you_mean(name, c.scope.locals())
    loop = next((frame for frame in reversed(c.scope.frames) if frame.kind == "for"), None)
    where = f" before `{loop.heading}`" if loop else " first"
    help = near or f"give it a value{where}: `{name} = zeros[...]`, with the axes of the sum"
    c.report.error("TK201", f"there is no `{name}` here to add to", target.span, "not found", help)
    # It counts as bound from here on: what reads it later is no second mistake.
    c.scope.bind(name, None, target.span)
    return True


def _may_bind(c: Context, target: syntax.Name) -> bool:
    name = target.text
    if (what := c.taken(name)) is not None:
        help = f"write its tile: `{name}[...] = ...`" if c.result(name) or c.temp(name) else "take another name"
        c.report.error("TK215", f"`{name}` is {what} and cannot be bound", target.span, help=help)
        return False
    if name in c.counters:
        others = (Label(c.counters[name], "its loop"),)
        c.report.error("TK215", f"`{name}` counts the steps of a loop and cannot be bound", target.span, others=others)
        return False
    if name in c.variables:
        others = (Label(c.variables[name].span, "its loop"),)
        c.report.error("TK215", f"`{name}` is the variable of a loop and cannot be bound", target.span, others=others)
        return False
    for frame in c.scope.frames:
        if frame.kind == "tile" and name in frame.outside:
            places = (Label(c.scope.first[name], "bound here"), Label(frame.span, "its steps are independent"))
            what = f"`{name}` is bound outside `{frame.heading}`, whose steps cannot change it"
            c.report.error("TK403", what, target.span, help="bind it inside, or take another name", others=places)
            return False
    return True
