"""Dimensions that are more than a size: `...`, any number of axes, and `1 or M`, which broadcasts."""

from __future__ import annotations

from collections.abc import Container, Sequence

from tilery.dsl import sizes
from tilery.dsl.program import LEADING, Size
from tilery.dsl.report import Report
from tilery.dsl.text import syntax


def either_of(node: syntax.Expr) -> syntax.Expr | None:
    """M of `1 or M`, None for any other dimension."""
    match node:
        case syntax.Binary(op="or", left=syntax.Number(value=1), right=right):
            return right
        case _:
            return None


def check_shape(node: syntax.Parameter, shape: Sequence[Size | None], constants: Container[str], report: Report) -> bool:
    """Whether `...` stands alone and once in a shape, and behind `1 or` a dimension's name, once each."""
    nodes, before = node.dimensions or (), report.mark()
    either: set[Size] = set()
    for place, (each, size) in enumerate(zip(nodes, shape, strict=True)):
        if size is None:
            continue
        if LEADING in sizes.names_in(size) and (size != LEADING or LEADING in shape[:place]):
            what = "`...` stands for axes of its own, once in a shape and in no arithmetic"
            report.error("TK233", what, each.span, help="write `x: T[..., N]`")
        if (whole := either_of(each)) is None:
            continue
        if not isinstance(whole, syntax.Name) or whole.text in constants or size in either:
            what = "behind `1 or` stands the name of a dimension, each once in a shape"
            report.error("TK232", what, each.span, help="write `bias: T[1 or M, N]`")
        either.add(size)
    return report.mark() == before
