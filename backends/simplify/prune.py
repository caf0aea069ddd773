"""Leaves out what contributes to no store and no print: operations without a reader, values that loops carry for nothing.

a = exp(x)
b = x * 2       ->  b = x * 2
y[m] = b            y[m] = b
"""

from __future__ import annotations

from tilery.dsl.specialise.needed import pruned

from .rewriter import Body


def prune(body: Body) -> Body:
    """The body without what nothing needs."""
    return pruned(body)
