"""Counted loops, `for r in 0..3:`: unrolled once both ends are numbers, checked as one step until then."""

from __future__ import annotations

from ..program import CountedLoop, Size
from ..text import syntax
from ..types import BOOL, I32
from .context import Context
from .expressions import evaluate
from .looping import Block, carried_through, finish, starts_of
from .places.so_far import perhaps_none
from .scope import Local

MOST_STEPS = 256
"""Steps of a counted loop: each becomes operations of its own."""


def check_count(c: Context, node: syntax.Count, block: Block) -> None:
    """`for r in 0..3:`, `r` being 0, 1 and 2."""
    if not _free(c, node.counter):
        return
    start, stop = _end(c, node.start), _end(c, node.stop)
    if start is None or stop is None:
        return
    if isinstance(start, int) and isinstance(stop, int):
        if stop - start > MOST_STEPS:
            what = f"this loop takes {stop - start} steps, and each becomes operations of its own"
            c.report.error("TK434", what, node.span, f"at most {MOST_STEPS}", "step through a dimension: `for k of K:`")
            return
        if stop <= start and isinstance(node.start, syntax.Number) and isinstance(node.stop, syntax.Number):
            c.report.error("TK435", "this loop takes no step", node.span, help="`0..3` counts 0, 1 and 2: its end is not reached")
            return
    c.counters[node.counter.text] = node.counter.span
    if c.constants is not None and isinstance(start, int) and isinstance(stop, int):
        _unroll(c, node, range(start, stop), block)
    else:
        _once(c, node, start, stop, block)
    del c.counters[node.counter.text]


def _free(c: Context, counter: syntax.Name) -> bool:
    name = counter.text
    what = c.taken(name) or ("bound already" if isinstance(c.scope.names.get(name), Local) else None)
    what = "the variable of a loop" if name in c.variables or name in c.counters else what
    if what is not None:
        c.report.error("TK215", f"`{name}` is {what} and cannot count", counter.span, help="take another name")
    return what is None


def _end(c: Context, node: syntax.Expr) -> Size | None:
    with c.emit.block():
        value = evaluate(c, node)
    if value is None:
        return None
    form = c.emit.form(value)
    if value in c.emit.static and value.dtype == I32 and form is not None:
        return form.offset
    if value.dtype == BOOL or value not in c.emit.static:
        help = "step through a dimension: `for k of K:`"
        what = "a counted loop is counted before the kernel runs, from numbers and constants"
        c.report.error("TK436", what, node.span, "this is known only when it runs", help)
    else:
        c.report.error("TK436", "a counted loop counts in whole numbers", node.span, "expected a whole number")
    return None


def _unroll(c: Context, node: syntax.Count, steps: range, block: Block) -> None:
    outside = dict(c.scope.names)
    for step in steps:
        c.scope.bind(node.counter.text, c.emit.constant(step, node.counter.span), node.counter.span)
        block(c, node.body)
        c.scope.names = {name: c.scope.names[name] for name in outside}


def _once(c: Context, node: syntax.Count, start: Size, stop: Size, block: Block) -> None:
    heading = f"for {node.counter.text} in {start}..{stop}"
    outside = dict(c.scope.names)
    starts = starts_of(c, node.body)

    def body(context: Context, statements: tuple[syntax.Stmt, ...]) -> None:
        counter = context.emit.parameter(node.counter.text, I32, node.counter.span, constant=True)
        context.scope.bind(node.counter.text, counter, node.counter.span)
        context.scope.read.add(node.counter.text)
        block(context, statements)

    step = carried_through(c, node.body, starts, body)
    c.scope.leave(outside, f"it is bound in the steps of `{heading}`, and is gone after them")
    carried = finish(c, starts, step, perhaps_none)
    c.emit.out.append(CountedLoop(node.counter.text, start, stop, carried, step.body, node.span))
