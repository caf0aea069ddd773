"""The tile sizes of an emulation: those that are given, and those that the text fixes."""

from __future__ import annotations

from collections.abc import Mapping

from tilery.dsl import program
from tilery.dsl.errors import UsageError


def tile_sizes(kernel: program.Program, dims: Mapping[str, int], tiles: Mapping[str, int]) -> dict[str, int]:
    """The tile of every axis, no larger than its dimension."""
    names = {each.axis.name for each in kernel.loop_variables}
    for name in tiles:
        if name not in names:
            raise UsageError(f"kernel {kernel.name} has no tile variable {name}; it has {', '.join(sorted(names)) or 'none'}")
    sizes = {}
    for each in kernel.loop_variables:
        only = each.by.choices[0] if each.by.choices and len(each.by.choices) == 1 else 0
        size = tiles.get(each.axis.name, only)
        if size < 1:
            raise UsageError(f"kernel {kernel.name}: tile variable {each.axis.name} needs a size of 1 or more")
        sizes[each.axis.name] = max(1, min(size, program.size_value(each.axis.size, dims)))
    return sizes
