"""The emulator's own tile sizes: they suit numpy, and are used if a kernel has no tuned entry.

A parallel axis over which nothing reduces is cut for the processor's caches anyhow (`chunks`). Of the other axes a tile goes
`DEPTH` far, which keeps matrix products large, unless a temporary would grow beyond `LARGEST` elements by that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from tilery.dsl import program
from tilery.dsl.program import Op, Statement, TileSize, Value

from .chunks import coalescable, takes_memory
from .planning.emulator_passes import prepare

DEPTH = 512
"""How far a tile goes along an axis that is summed over or stepped through; longer ones are hardly faster."""
LARGEST = 1 << 20
"""Elements that a temporary should not exceed."""


def own_tiles(kernel: program.Program, dims: Mapping[str, int]) -> dict[str, int]:
    """A size for every tile variable whose size the text leaves open, within what it allows."""
    variables = {each.axis.name: each for each in kernel.loop_variables}
    extents = {name: program.size_value(each.axis.size, dims) for name, each in variables.items()}
    sizes = {name: allowed(each.by, min(DEPTH, extents[name])) for name, each in variables.items()}
    body = prepare(kernel.body)
    mattering = set(_mattering(body))
    for value in _temporaries(body):
        _shrink(value, sizes, mattering, variables, dims)
    return {name: size for name, size in sizes.items() if not _is_fixed(variables[name].by)}


def _is_fixed(by: TileSize) -> bool:
    return by.tune is not None or (by.choices is not None and len(by.choices) == 1)


def allowed(by: TileSize, wanted: int) -> int:
    """The size nearest below `wanted` that the text allows, or else the smallest that it does."""
    if by.choices:
        return max((each for each in by.choices if each <= wanted), default=min(by.choices))
    return max(by.low or 1, min(by.high or wanted, wanted))


def _mattering(body: Sequence[Statement]) -> Iterator[str]:
    """Axes whose tiles are kept as they are given."""
    ops = {each.result: each for each in program.walk(tuple(body)) if isinstance(each, Op)}
    for each in program.walk(tuple(body)):
        if isinstance(each, program.TileLoop):
            free = coalescable(each, ops)
            yield from (variable.axis.name for variable in each.variables if variable.axis not in free)
        elif isinstance(each, program.ForLoop):
            yield each.variable.axis.name


def _temporaries(body: Sequence[Statement]) -> Iterator[Value]:
    return (each.result for each in program.walk(tuple(body)) if isinstance(each, Op) and takes_memory(each))


def _shrink(
    value: Value,
    sizes: dict[str, int],
    mattering: set[str],
    variables: Mapping[str, program.LoopVariable],
    dims: Mapping[str, int],
) -> None:
    """Halves the longest tile of `value` until it is small enough, or none can be made smaller."""
    whole = prod(program.size_value(axis.size, dims) for axis in value.axes if axis.whole)
    names = [axis.name for axis in value.axes if not axis.whole and axis.name in mattering]
    while whole * prod(sizes[name] for name in names) > LARGEST:
        smaller = {name: allowed(variables[name].by, sizes[name] // 2) for name in names if sizes[name] > 1}
        smaller = {name: size for name, size in smaller.items() if size < sizes[name]}
        if not smaller:
            return
        longest = max(smaller, key=lambda name: sizes[name])
        sizes[longest] = max(1, smaller[longest])
