"""Ranges of integer arguments that index a tensor, or that are compared with positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from math import ceil, floor

from tilery.dsl import program
from tilery.dsl.program import Value

from .affine import Line, Lines, lines_of

Interval = tuple[float, float]

COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne", "min", "max", "clamp")


def places(
    kernel: program.Program, dims: Mapping[str, int], declared: Mapping[str, Interval]
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """The ranges of integer arguments without a declared one: of those that index, and of those compared with positions."""
    lines = lines_of(kernel, dims)
    statements = (*program.walk(kernel.reference), *program.walk(kernel.body))
    indexing: dict[str, Interval] = {}
    for line, extent, slack in _indices(statements, dims, lines):
        _fit(line, extent, slack, indexing, declared)
    compared: dict[str, Interval] = {}
    for line in _differences(statements, lines):
        for name in line.factors:
            if name not in declared and name not in indexing:
                low, high = _crossing(line, name, {**declared, **indexing})
                before = compared.get(name, (low, high))
                compared[name] = (min(low, before[0]), max(high, before[1]))
    return indexing, compared


# --- indices ----------------------------------------------------------------------------------------------------------


def _indices(statements: tuple[program.Statement, ...], dims: Mapping[str, int], lines: Lines) -> Iterator[tuple[Line, int, int]]:
    """The lines that index a dimension, its extent, by how much they may leave it: by one where something is read instead."""
    for each in statements:
        if isinstance(each, program.Load | program.Store | program.Cut):
            slack = int(not isinstance(each, program.Store) and each.fill is not None)
            shape = [axis.size for axis in each.tile.axes] if isinstance(each, program.Cut) else each.tensor.shape
            for index, size in zip(each.index, shape, strict=True):
                if isinstance(index, program.GatherIndex):
                    extent = program.size_value(size, dims)
                    yield from ((line, extent, slack) for line in lines.get(index.value, ()) if line.factors)


def _fit(line: Line, extent: int, slack: int, found: dict[str, Interval], declared: Mapping[str, Interval]) -> None:
    """Narrows the open arguments of a line so that it stays inside; of several, those of small factors count within others."""
    unknown = sorted((name for name in line.factors if name not in declared), key=lambda name: abs(line.factors[name]))
    if not unknown:
        return
    unknown = [name for name in unknown[:-1] if name not in found] + unknown[-1:]
    low, high = _rest(line, unknown, {**found, **declared})
    for name, coarser in pairwise(unknown):
        factor = line.factors[name]
        ratio = abs(line.factors[coarser] / factor)
        most = ratio - 1 if ratio > 1 else (extent - 1) // (2 * abs(factor))
        _narrow(found, name, (0, most))
        low, high = low + min(0, factor * most), high + max(0, factor * most)
    name, factor = unknown[-1], line.factors[unknown[-1]]
    first, last = sorted(((-slack - low) / factor, (extent - 1 + slack - high) / factor))
    _narrow(found, name, (first, last))


def _rest(line: Line, unknown: Sequence[str], known: Mapping[str, Interval]) -> Interval:
    """What a line comes to without its unknown arguments, which may be anything that is known of the others."""
    low, high = line.low, line.high
    for name, factor in line.factors.items():
        if name not in unknown and name in known:
            ends = sorted((factor * known[name][0], factor * known[name][1]))
            low, high = low + ends[0], high + ends[1]
    return low, high


def _narrow(found: dict[str, Interval], name: str, interval: Interval) -> None:
    """Intersects what is found of an argument; one number where nothing is left."""
    low, high = ceil(interval[0]), floor(interval[1])
    before = found.get(name, (low, high))
    first, last = max(low, before[0]), min(high, before[1])
    found[name] = (first, max(first, last))


# --- comparisons ------------------------------------------------------------------------------------------------------


def _differences(statements: tuple[program.Statement, ...], lines: Lines) -> Iterator[Line]:
    """left - right of every comparison in which an argument meets positions or a size."""
    for each in statements:
        if isinstance(each, program.Elementwise) and each.fn in COMPARISONS:
            for left, right in _pairs(each.operands):
                for one, other in product(lines.get(left, ()), lines.get(right, ())):
                    line = one.minus(other)
                    if line.factors and line.placed:
                        yield line


def _pairs(operands: tuple[Value, ...]) -> Iterator[tuple[Value, Value]]:
    return ((left, right) for number, left in enumerate(operands) for right in operands[number + 1 :])


def _crossing(line: Line, name: str, known: Mapping[str, Interval]) -> Interval:
    """Where the argument makes the line 0, that is, where the comparison turns; 0 and one past the last place included."""
    low, high = _rest(line, (name,), known)
    factor = line.factors[name]
    first, last = sorted((-low / factor, -high / factor))
    if first == last:  # compared with a size, `used[b] < L`
        first = min(first, 0)
    else:
        last += 1 / abs(factor)
    if last >= 1:
        first = max(first, 0)  # what counts places is not negative
    whole = (ceil(first), floor(last))
    return whole if whole[0] <= whole[1] else (whole[0], whole[0])
