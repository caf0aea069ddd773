"""The small shape that a configuration is executed at: it satisfies all that the kernel requires, and its tiles do not divide it.

Solved as a constraint problem over the dimensions (python-constraint2): the conditions are those that every call is checked
against (`dsl.conditions`), so a shape found here is one that a caller could have given.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import takewhile

from tilery.backends.tunable import Config, retuned
from tilery.dsl import Condition, TileryError, conditions, program, sizes
from tilery.dsl.errors import UsageError

from ..space.tile_choices import tile_sizes

MOST_WORK = 2e8
"""The product of all extents that is aimed for; at most about a second of exact execution."""
LARGEST_WORK = 5e9
"""The largest product that is executed where the requirements leave nothing smaller."""
LARGEST_BYTES = 2**28
"""The most that the tensors of such a shape may take."""
WHOLE = 200
"""The extent aimed for in a dimension that is not tiled: beyond one block of 128 partitions, and ragged."""
EXAMPLE = 1024
"""The extent that messages suggest where nothing speaks against it."""
ROUND = 32
"""Of extents to suggest, multiples of this one come first."""
EXAMPLE_S = 2.0
"""How long an example of a shape is looked for."""
SMALL = 64
"""Every extent up to this one is tried."""
NEARBY = 16
"""How far around the extents aimed for every one is tried."""
MOST_DIVISORS = 4096
MOST_CHECKS = 100_000
"""How many times conditions are evaluated before the search for something smaller ends; about a second."""


class _Enough(Exception):
    """`MOST_CHECKS` are used up."""


class TooLarge(UsageError):
    """The requirements of a kernel leave no shape that is small enough to be executed."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What one dimension should be."""

    extent: int
    tile: int = 0
    """The largest tile that cuts it: an extent beyond it gives every loop a second step."""


def small_dims(kernel: program.Program, dims: Mapping[str, int], config: Config, most_work: float = MOST_WORK) -> dict[str, int]:
    """A shape no larger than `dims`, near a tile and a half of each tiled dimension, within `most_work` where that can be.

    Raises `TooLarge` if every shape that was found is beyond `LARGEST_WORK` or `LARGEST_BYTES`.
    """
    kernel = retuned(kernel, config)
    effort = iter(range(MOST_CHECKS))
    groups = _groups(dims, [Check.of(each, effort) for each in conditions(kernel)])
    aims = _aims(kernel, dims, config)
    found, best, waiting = dict(dims), dict(dims), groups
    while True:
        try:
            for names, checks in waiting:
                found |= _solution(names, checks, dims, aims)
        except _Enough:
            break
        best = min(best, dict(found), key=_work)
        if _work(best) <= most_work or all(each.extent == 1 for each in aims.values()):
            break
        largest = max(aims, key=lambda each: aims[each].extent)
        aims[largest] = Aim(aims[largest].extent // 2, aims[largest].tile)
        waiting = [group for group in groups if largest in group[0]]
    if _work(best) > MOST_WORK and (_work(best) > LARGEST_WORK or _tensor_bytes(kernel, best) > LARGEST_BYTES):
        extents = ", ".join(f"{name} = {best[name]}" for name in dims)
        raise TooLarge(f"the smallest shape found that {kernel.name} allows is too large to be executed: {extents}")
    return {name: best[name] for name in dims}


def example_dims(kernel: program.Program, given: Mapping[str, int]) -> dict[str, int] | None:
    """Extents near `EXAMPLE` for the dimensions that are not `given`, so that the kernel allows all.

    None if none are found within `EXAMPLE_S` and `MOST_CHECKS`: an error message waits for it.
    """
    dims = dict.fromkeys(kernel.signature.dimensions, EXAMPLE)
    end = time.monotonic() + EXAMPLE_S
    effort = takewhile(lambda _: time.monotonic() < end, range(MOST_CHECKS))
    usual = sorted(range(1, 4 * EXAMPLE + 1), key=lambda each: (each % ROUND != 0, abs(each - EXAMPLE), -each))
    found: dict[str, int] = {}
    try:
        for names, checks in _groups(dims, [Check.of(each, effort) for each in conditions(kernel)]):
            part = _solved({name: [given[name]] if name in given else usual for name in names}, checks)
            if part is None:
                return None
            found |= part
    except _Enough:
        return None
    return {name: found[name] for name in dims}


def _work(dims: Mapping[str, int]) -> int:
    return math.prod(dims.values())


def _tensor_bytes(kernel: program.Program, dims: Mapping[str, int]) -> int:
    tensors = (*kernel.signature.tensors, *kernel.signature.results)
    numbers = (each.element.bytes * math.prod(program.size_value(size, dims) for size in each.shape) for each in tensors)
    return math.ceil(sum(numbers))


def _aims(kernel: program.Program, dims: Mapping[str, int], config: Config) -> dict[str, Aim]:
    """A tile and a half, less a few elements so that the last tile is ragged, of each dimension that loops cut."""
    aims = {name: Aim(min(extent, WHOLE)) for name, extent in dims.items()}
    tiles = tile_sizes(kernel, config)
    cut: dict[str, Aim] = {}
    for variable in kernel.loop_variables:
        tile = tiles.get(variable.axis.name, 1)
        for name, extent, whole_tile in _steered(variable.axis.size, tile, dims):
            if name not in cut or extent > cut[name].extent:
                cut[name] = Aim(extent, whole_tile)
    return aims | cut


def _steered(size: program.Size, tile: int, dims: Mapping[str, int]) -> Iterator[tuple[str, int, int]]:
    """The dimensions by which an axis of `size` comes to a tile and a half: a name, its extent, the tile along it."""
    wanted = min(program.size_value(size, dims), tile + max(1, tile // 2 - 5))
    if isinstance(size, str):
        yield size, wanted, min(tile, dims[size] - 1)
        return
    for name in dict.fromkeys(sizes.names_in(size)):
        # Nearly every size grows with its names; one that does not is aimed at badly, and solved all the same.
        place = bisect_left(range(1, dims[name]), wanted, key=partial(_size_at, size, dims, name))
        yield name, place + 1, 0


def _size_at(size: program.Size, dims: Mapping[str, int], name: str, extent: int) -> int:
    try:
        return program.size_value(size, {**dims, name: extent})
    except UsageError:  # it divides by zero
        return 0


# --- the constraint problem -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """A condition as the solver takes it; what it said of some extents is remembered over the solutions."""

    names: tuple[str, ...]
    holds: Callable[..., bool]

    @classmethod
    def of(cls, condition: Condition, effort: Iterator[int]) -> Check:
        """The check of a condition, with the extents of `names` in turn as its arguments; `effort` is what all may use up."""
        names = tuple(sorted(condition.names))
        return cls(names, cache(partial(_holds, condition, names, effort)))


Group = tuple[Sequence[str], Sequence[Check]]
"""Dimensions that conditions tie together, and these conditions."""


def _groups(dims: Mapping[str, int], needed: Sequence[Check]) -> list[Group]:
    """Dimensions that no condition ties together are solved apart."""
    groups: list[tuple[set[str], list[Check]]] = [({name}, []) for name in dims]
    for check in needed:
        touched = [each for each in groups if not each[0].isdisjoint(check.names)]
        if touched:
            apart = [each for each in groups if each not in touched]
            names = set[str]().union(*(names for names, _ in touched))
            groups = [*apart, (names, [*(each for _, checks in touched for each in checks), check])]
    return [([name for name in dims if name in names], ones) for names, ones in groups]


def _solution(names: Sequence[str], needed: Sequence[Check], dims: Mapping[str, int], aims: Mapping[str, Aim]) -> dict[str, int]:
    """The solution nearest to the aims, one dimension after the other; `dims` itself satisfies everything."""
    tried = sorted(set().union(*(_candidates(aims[name].extent, dims[name]) for name in names)))
    for beyond_tiles in (True, False):
        domains = {name: _ordered(tried, aims[name], dims[name], beyond_tiles) for name in names}
        found = _solved(domains, needed)
        if found is not None:
            return found
    return {name: dims[name] for name in names}


def _solved(domains: Mapping[str, list[int]], needed: Sequence[Check]) -> dict[str, int] | None:
    from constraint import OptimizedBacktrackingSolver, Problem

    if not all(domains.values()):
        return None
    problem = Problem(OptimizedBacktrackingSolver())
    for name, extents in domains.items():
        # The solver takes the last value of a domain first.
        problem.addVariable(name, extents[::-1])
    for check in needed:
        problem.addConstraint(check.holds, check.names)
    found: dict[str, int] | None = problem.getSolution()
    return found


def _holds(condition: Condition, names: Sequence[str], effort: Iterator[int], *extents: int) -> bool:
    if next(effort, None) is None:
        raise _Enough
    try:
        condition.check(dict(zip(names, extents, strict=True)))
    except TileryError:
        return False
    return True


def _ordered(tried: Sequence[int], aim: Aim, most: int, beyond_tile: bool) -> list[int]:
    """The extents to try, the best first: near the aim, and with a second, shorter step."""
    allowed = [each for each in tried if each <= most]
    if beyond_tile and aim.extent > aim.tile:
        allowed = [each for each in allowed if each > aim.tile]
    return sorted(allowed, key=lambda each: (abs(each - aim.extent), -each))


def _candidates(aim: int, most: int) -> set[int]:
    """Extents around the aim, small ones, round ones, and those that divide `most` as the requirements may want."""
    around = {*range(1, SMALL + 1), *range(aim - NEARBY, aim + NEARBY + 1), most}
    around |= {multiple for step in _powers(most) for multiple in (aim // step * step, -(-aim // step) * step)}
    for divisor in range(1, min(MOST_DIVISORS, math.isqrt(most)) + 1):
        if most % divisor == 0:
            around |= {divisor, most // divisor, -(-aim // divisor) * divisor}
    return {each for each in around if 1 <= each <= most}


def _powers(most: int) -> Iterator[int]:
    return (1 << exponent for exponent in range(1, most.bit_length()))
