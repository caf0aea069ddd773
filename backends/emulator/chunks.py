"""How many positions of each axis one step of the emulation covers.

An axis along which something is reduced, contracted or searched keeps the given tile size, because it affects the results. Any
other parallel axis takes steps that suit the cache: they change no element.
With `fast_accumulate` a loop that only adds products up takes several of its tiles at once: quicker where tiles are small, and
the partial sums of those tiles are no longer rounded one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod

from tilery.dsl import program
from tilery.dsl.program import Op, Statement, Value

from .planning import guarded_axes, placed
from .planning.fuse import Accumulate

ELEMENTWISE_BYTES = 1 << 20
"""The wanted size of a temporary of elementwise work: it should fit a second-level cache."""
PRODUCT_BYTES = 32 << 10
"""The same where there are only matrix products, for each step of depth. BLAS packs both operands anew for every chunk, so a
chunk is to be large; what is added to is read and written once for each tile of the depth, so a shallow one is not to be huge."""
LEAST_PRODUCT_BYTES, MOST_PRODUCT_BYTES = 4 << 20, 16 << 20
UNIT_SHARE = 8
"""Steps of a `by 1` axis are taken together only up to one part in so many of the axis, where its products are small."""
GUARDED = 512
"""The largest step of an axis whose positions decide whether a guarded step is skipped."""
ROW = 512
"""The last axis of a result takes steps of this size first, so that rows in memory are long."""
PRODUCT_DEPTH = 512
"""How deep a matrix product is at least made with `fast_accumulate`."""


@dataclass(frozen=True, slots=True)
class Extents:
    """The input of `chunks`: a tile loop and its sizes."""

    loop: program.TileLoop
    dims: Mapping[str, int]
    sizes: Mapping[str, int]
    """The tile of each axis, no larger than its dimension."""
    ops: Mapping[Value, Op]
    """What defines each value of the program."""

    def dimension(self, axis: program.Axis) -> int:
        """The extent of an axis."""
        return program.size_value(axis.size, self.dims)


def chunks(
    body: Sequence[Statement],
    dims: Mapping[str, int],
    tiles: Mapping[str, int],
    workers: int,
    shrink: int = 1,
    fast_accumulate: bool = False,
) -> dict[str, int]:
    """The step of every tile axis. `shrink` divides the temporaries' size, for when memory is short."""
    sizes: dict[str, int] = dict(tiles)
    for each in program.walk(tuple(body)):
        if fast_accumulate and isinstance(each, program.ForLoop) and _is_linear(each):
            name = each.variable.axis.name
            sizes[name] = max(1, PRODUCT_DEPTH // max(1, tiles[name])) * tiles[name]
    ops = {each.result: each for each in program.walk(tuple(body)) if isinstance(each, Op)}
    for each in program.walk(tuple(body)):
        if isinstance(each, program.TileLoop):
            sizes |= _grown(Extents(each, dims, sizes, ops), workers, shrink)
    return sizes


def _is_linear(loop: program.ForLoop) -> bool:
    """Whether a loop only adds products of loaded tiles up, so that two of its steps are one of double length."""
    return loop.guard is None and all(isinstance(each, Accumulate | program.Load) for each in loop.body)


def _grown(extents: Extents, workers: int, shrink: int) -> dict[str, int]:
    free = coalescable(extents.loop, extents.ops)
    names = {axis.name: axis for axis in free}
    sizes = {**extents.sizes, **dict.fromkeys(names, 1)}
    limit = _limit(extents) // shrink
    caps = {name: _cap(axis, extents) for name, axis in names.items()}
    growing = [name for name in names if caps[name] > 1]
    long = _last_axis(extents.loop)
    while growing:
        name = min(growing, key=lambda each: (names[each].unit, each != long or sizes[each] >= ROW, sizes[each]))
        tried = {**sizes, name: min(2 * sizes[name], caps[name])}
        if _largest(extents, tried) * 4 > (limit // UNIT_SHARE if names[name].unit else limit):
            growing.remove(name)
            continue
        sizes = tried
        if sizes[name] == caps[name]:
            growing.remove(name)
    return _shared_out(extents, {name: sizes[name] for name in names}, workers)


def _cap(axis: program.Axis, extents: Extents) -> int:
    dimension = extents.dimension(axis)
    return min(dimension, max(GUARDED, 1)) if axis.name in _guarded(extents.loop) else dimension


def _shared_out(extents: Extents, sizes: dict[str, int], workers: int) -> dict[str, int]:
    """The sizes, changed so that the parts are about equal and every worker has one, if possible."""
    dimensions = {each.axis.name: extents.dimension(each.axis) for each in extents.loop.variables if each.axis.name in sizes}
    steps = {name: ceil(dimensions[name] / size) if size else 1 for name, size in sizes.items()}
    if prod(steps.values()) < workers and _largest(extents, {**extents.sizes, **sizes}) > 1 << 15:
        widest = max(sizes, key=lambda name: sizes[name])
        steps[widest] = min(dimensions[widest], steps[widest] * workers)
    return {name: max(1, ceil(dimensions[name] / max(1, steps[name]))) for name in sizes}


def coalescable(loop: program.TileLoop, ops: Mapping[Value, Op]) -> list[program.Axis]:
    """Axes along which nothing reduces, which no guard reads, and which index every store."""
    mattering = {*_reduced(loop.body), *_cut(loop), *guarded_axes.mattering(loop, ops)}
    stores = [_names(each.index) for each in program.walk(loop.body) if isinstance(each, program.Store)]
    axes = [each.axis for each in loop.variables]
    return [axis for axis in axes if axis.name not in mattering and all(axis.name in each for each in stores)]


def _cut(loop: program.TileLoop) -> Iterator[str]:
    """Axes whose tiles another axis cuts (`k of m`), and these other axes: the position of one depends on the other."""
    for each in program.walk((loop,)):
        variables = each.variables if isinstance(each, program.TileLoop) else ()
        for variable in (*variables, *([each.variable] if isinstance(each, program.ForLoop) else [])):
            if variable.axis.parent:
                yield from (variable.axis.name, variable.axis.parent)


def _reduced(body: Sequence[Statement]) -> Iterator[str]:
    for each in program.walk(tuple(body)):
        if isinstance(each, program.Reduce | program.Dot | Accumulate):
            yield from (axis.name for axis in each.axes)
        elif isinstance(each, program.Scan):
            yield each.axis.name


def _names(index: Sequence[program.Index]) -> set[str]:
    return {axis.name for axis in program.index_axes(index)}


def _guarded(loop: program.TileLoop) -> set[str]:
    return {name for each in guarded_axes.guards(loop) for name in guarded_axes.axes_of(each)}


def _last_axis(loop: program.TileLoop) -> str:
    stores = (each for each in program.walk(loop.body) if isinstance(each, program.Store))
    return next((axes[-1].name for each in stores if (axes := program.index_axes(each.index))), "")


def _limit(extents: Extents) -> int:
    body = extents.loop.body
    if any(isinstance(each, program.Elementwise) and len(each.result.axes) > 1 for each in program.walk(body)):
        return ELEMENTWISE_BYTES
    depths = [_depth(each, extents) for each in program.walk(body) if isinstance(each, program.Dot | Accumulate)]
    return min(MOST_PRODUCT_BYTES, max(LEAST_PRODUCT_BYTES, PRODUCT_BYTES * min(depths, default=0)))


def _depth(op: program.Dot | Accumulate, extents: Extents) -> int:
    return prod(extents.dimension(axis) if axis.whole else extents.sizes[axis.name] for axis in op.axes)


def _largest(extents: Extents, sizes: Mapping[str, int]) -> int:
    """Elements of the largest temporary."""
    values = (each.result for each in program.walk(extents.loop.body) if isinstance(each, Op) and takes_memory(each))
    return max((_count(value, extents, sizes) for value in values), default=0)


def takes_memory(op: Op) -> bool:
    """Whether the result is a temporary of its own."""
    copied = isinstance(op, program.Load) and (op.result.element.bytes < 4 or not placed.is_plain(op.index))
    held = isinstance(op, program.Unwritten | program.Insert)
    computed = program.Elementwise | program.Cast | program.Reduce | program.Scan | program.Dot | Accumulate
    return copied or held or isinstance(op, computed)


def _count(value: Value, extents: Extents, sizes: Mapping[str, int]) -> int:
    """Elements of a value in a full step."""
    return prod(extents.dimension(axis) if axis.whole else min(sizes[axis.name], extents.dimension(axis)) for axis in value.axes)
