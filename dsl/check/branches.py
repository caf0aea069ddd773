"""`if` on constants: decided when the kernel is specialised, kept with both branches until then."""

from __future__ import annotations

from collections.abc import Callable

from ..functions import joined
from ..program import If, Merged, Op, Statement, Value
from ..text import syntax
from ..types import BOOL
from .context import Checked, Context
from .emitter import united
from .expressions import evaluate
from .places.so_far import both
from .scope import Binding, Gone, Local

Block = Callable[[Context, tuple[syntax.Stmt, ...]], None]


def check_if(c: Context, node: syntax.If, block: Block) -> None:
    """Checks both branches, or the one that is taken once the constants are bound."""
    with c.emit.block() as condition:
        value = evaluate(c, node.condition)
    decided = _decision(c, node, value)
    if c.constants is not None and decided is not None:
        block(c, node.then if decided else node.otherwise)
        _spread_names(c, node)
        return
    before = dict(c.scope.names)
    then, then_names = _branch(c, node.then, before, block)
    otherwise, else_names = _branch(c, node.otherwise, before, block)
    c.scope.names = dict(before)
    merged = _merge(c, node, before, then_names, else_names)
    ops = tuple(each for each in condition if isinstance(each, Op))
    if value is not None and ops:
        c.emit.out.append(If(ops, then, otherwise, merged, node.span))


def _decision(c: Context, node: syntax.If, value: Checked) -> bool | None:
    """What is known of the condition; reports one that no constants decide."""
    if value is None:
        return None
    if value not in c.emit.static:
        help = "choose between values with `where(condition, a, b)`"
        what = "an `if` decides on constants (`name: bool`, `name: int`), before the kernel runs"
        c.report.error("TK412", what, node.condition.span, "this is known only when it runs", help)
        return None
    if value.dtype != BOOL:
        c.report.error("TK314", f"a condition is bool, and this is {value.dtype}", node.condition.span, "expected bool")
        return None
    known = c.emit.known.get(value)
    if known is None and c.constants is not None:
        c.report.error("TK412", "this condition cannot be decided", node.condition.span)
    return None if known is None else bool(known)


def _branch(
    c: Context, statements: tuple[syntax.Stmt, ...], before: dict[str, Binding], block: Block
) -> tuple[tuple[Statement, ...], dict[str, Binding]]:
    c.scope.names = dict(before)
    with c.emit.block() as out:
        block(c, statements)
    return tuple(out), c.scope.names


def _merge(
    c: Context, node: syntax.If, before: dict[str, Binding], then: dict[str, Binding], otherwise: dict[str, Binding]
) -> tuple[Merged, ...]:
    """Binds what the branches bound: one value where both have one, none where only one does."""
    merged: list[Merged] = []
    for name in dict.fromkeys([*then, *otherwise]):
        a, b = then.get(name), otherwise.get(name)
        if a is b:
            continue
        if isinstance(a, Local) and isinstance(b, Local):
            value = _merged_value(c, node, name, a, b)
            if a.value is not None and b.value is not None and value is not None and value is not a.value:
                merged.append(Merged(a.value, b.value, value))
            span = a.span if a != before.get(name) else b.span
            c.scope.names[name] = Local(value, span, both(a.missing, b.missing))
        elif (one := a or b) is not None:
            c.scope.names[name] = Gone(one.span, "only one branch of the `if` binds it")
    return tuple(merged)


def _merged_value(c: Context, node: syntax.If, name: str, a: Local, b: Local) -> Value | None:
    if a.value is None or b.value is None:
        return None
    if a.value is b.value:
        return a.value
    axes = united([a.value.axes, b.value.axes])
    if len(axes) > min(len(a.value.axes), len(b.value.axes)):
        c.uneven[node.span, name] = tuple(each.name for each in axes)
    dtypes = [a.value.dtype, b.value.dtype]
    dtype = dtypes[0] if dtypes[0] == dtypes[1] else joined(dtypes)
    return c.emit.value(axes, dtype, a.span, name)


def _spread_names(c: Context, node: syntax.If) -> None:
    """Has what the branch taken bound with fewer axes than the other one broadcast along theirs."""
    for (span, name), axes in c.uneven.items():
        binding = c.scope.names.get(name)
        if span == node.span and isinstance(binding, Local) and binding.value is not None:
            named = [axis for each in axes if (axis := c.axis(each)) is not None]
            c.emit.lacks(binding.value, (*c.emit.lacking.get(binding.value, ()), *named))
