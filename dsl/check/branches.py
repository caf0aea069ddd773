"""`if` on constants: decided when the kernel is specialised, kept with both branches until then."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import Label
from ..functions import joined
from ..program import If, Merged, Op, Statement, Value
from ..text import syntax
from ..types import BOOL
from .context import Checked, Context
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
            value = _merged_value(c, name, a, b, merged)
            span = a.span if a != before.get(name) else b.span
            c.scope.names[name] = Local(value, span, both(a.missing, b.missing))
        elif (one := a or b) is not None:
            c.scope.names[name] = Gone(one.span, "only one branch of the `if` binds it")
    return tuple(merged)


def _merged_value(c: Context, name: str, a: Local, b: Local, merged: list[Merged]) -> Value | None:
    if a.value is None or b.value is None:
        return None
    if a.value is b.value:
        return a.value
    if set(a.value.axes) != set(b.value.axes):
        others = (Label(b.span, f"here it has [{', '.join(map(str, b.value.axes))}]"),)
        what = f"the branches of the `if` give `{name}` different axes"
        c.report.error("TK413", what, a.span, f"here it has [{', '.join(map(str, a.value.axes))}]", others=others)
        return None
    dtypes = [a.value.dtype, b.value.dtype]
    dtype = dtypes[0] if dtypes[0] == dtypes[1] else joined(dtypes)
    result = c.emit.value(a.value.axes, dtype, a.span, name)
    merged.append(Merged(a.value, b.value, result))
    return result
