"""Sizes at which a guarded loop has too many steps: each is decided, and walked, one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, prod

from tilery.backends.tunable import Tunable
from tilery.dsl.errors import UsageError
from tilery.dsl.program import ForLoop, Guard, Positions, Program, Size, size_value, walk

MOST_STEPS = 1 << 16
"""Over all positions of the loops around, with the largest tiles: with tiles of 8192 a context of two million."""


def check_guards(kernel: Program, dims: Mapping[str, int], tunables: Sequence[Tunable]) -> None:
    """Raises UsageError where the steps of a guarded loop are too many to be decided one by one, with any tile sizes."""
    largest = {each.name: int(each.values[-1]) for each in tunables if each.kind == "tile"}
    for each in walk(kernel.body):
        if not isinstance(each, ForLoop) or each.guard is None:
            continue
        extents = {name: size_value(size, dims) for name, size in _axes(each.guard)}
        steps = prod(ceil(extent / min(largest.get(name, 1), extent)) for name, extent in extents.items())
        if steps > MOST_STEPS:
            sizes = ", ".join(f"{size}={size_value(size, dims)}" for _, size in _axes(each.guard))
            raise UsageError(
                f"{kernel.name} has at least {steps:,} steps of `for {each.variable.axis.name}` at {sizes}. Its guard decides "
                f"them one by one, and more than {MOST_STEPS:,} take too long\nhelp: take smaller sizes, or leave the guard out"
            )


def _axes(guard: Guard) -> list[tuple[str, Size]]:
    found = {op.axis.name: op.axis.size for op in walk(guard.body) if isinstance(op, Positions)}
    return list(found.items())
