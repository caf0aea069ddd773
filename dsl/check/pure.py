"""Conditions that must be known without looking at data: those of guards and of `require`."""

from __future__ import annotations

from collections.abc import Sequence

from ..program import Fill, Load, Op, ScalarArgument, Statement, Value, operands
from ..spans import Span
from ..specialise.needed import needed_ops
from .context import Context


def closed_ops(c: Context, out: Sequence[Statement], value: Value, span: Span, what: str) -> tuple[Op, ...] | None:
    """The operations behind `value`, if they start from positions, sizes and constants alone; None after a report."""
    ops = needed_ops([each for each in out if isinstance(each, Op)], value)
    defined = {op.result for op in ops}
    for op in ops:
        data = isinstance(op, Load) or (isinstance(op, ScalarArgument) and op.result not in c.emit.static)
        if data or not defined.issuperset(operands(op)):
            break
    else:
        if value in defined:
            return ops
    c.report.error("TK418", f"{what} may ask for positions, sizes and constants only", span, "this depends on more")
    return None


def always_true(c: Context, ops: Sequence[Op]) -> bool:
    """Whether a condition is known to be true everywhere."""
    last = ops[-1]
    source = last.operand if isinstance(last, Fill) else last.result
    return c.emit.known.get(source) is True
