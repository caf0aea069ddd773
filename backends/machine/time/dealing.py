"""Which loops are dealt out to the cores, and over how many each.

    tile m of M, n of N           8 cores, 16 x 16 tiles     m over 8
    tile b of B, g of G, r of R   8 cores, B=1 G=4 R=6       g over 4, r over 2
    tile m of M                   8 cores, 3 tiles           m over 3: five cores have nothing to do

Every independent loop may be dealt out, several at once: core (i, j) takes the steps i, i + 4, .. of g, and j, j + 2, .. of r. Of
all ways whose product is no more than the cores, the one is taken that leaves the busiest core least; of equal ones the one that
deals out the outer loops, so that what is loaded outside the inner loops is still used by all their steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from tilery.dsl.program import Axis, Kernel, Statement, TileLoop, size_value

from ..numbers import ceil_div
from ..program import EngineProgram, Instruction, Loop, Node, Structure, instructions

Numbers = tuple[tuple[str, int], ...]
"""Names with their numbers: dimensions, or tile sizes."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """An independent loop, and over how many cores its steps are dealt out."""

    axis: Axis
    steps: int
    tile: int
    cores: int


def cores_of(program: EngineProgram, loop: Loop) -> int:
    """Over how many cores a loop's steps are dealt out; 1: every core takes them all."""
    if program.cores == 1 or loop.limit is not None or not loop.parallel:
        return 1
    return next((each.cores for each in dealt_loops(program) if each.axis.name == loop.axis.name), 1)


def dealt_loops(program: EngineProgram) -> tuple[Dealt, ...]:
    """The independent loops of a program, outermost first."""
    tiles = {name: int(size) for name, size in program.config.items() if isinstance(size, int)}
    return dealing(program.structure, program.dims, tiles, program.cores)


def busy_cores(program: EngineProgram) -> int:
    """How many cores have something to do."""
    return prod(each.cores for each in dealt_loops(program))


def repeated(program: EngineProgram) -> dict[Instruction, int]:
    """How many cores execute an instruction alike: those over which a loop is dealt out that it does not stand in."""
    dealt = {each.axis.name: each.cores for each in dealt_loops(program) if each.cores > 1}
    several = len(list(_chains(program.kernel.body))) > 1
    found: dict[Instruction, int] = {}
    for node in program.structure.body if dealt else ():
        inside = set(_depths((node,)))
        # Of several nests, an instruction is repeated for the loops of its own; one outside of them all, for every loop.
        mine = {name: cores for name, cores in dealt.items() if not several or name in inside or not inside}
        for loops, instruction in instructions((node,)):
            around = {loop.axis.name for loop in loops if loop.parallel and loop.limit is None}
            found[instruction] = prod(cores for name, cores in mine.items() if name not in around)
    return found


def dealing(structure: Structure, dims: Mapping[str, int], tiles: Mapping[str, int], cores: int) -> tuple[Dealt, ...]:
    """The independent loops of a structure, outermost first, dealt out to so many cores."""
    axes = {axis.name for chain in _chains(structure.kernel.body) for axis in chain}
    return _dealing(structure, tuple(dims.items()), tuple((name, tiles[name]) for name in sorted(axes & set(tiles))), cores)


def busiest_share(kernel: Kernel, dims: Mapping[str, int], config: Mapping[str, int | str], cores: int) -> float:
    """What part of all steps the core with most to do takes, with the tile sizes of a configuration."""
    tiles = {name: int(size) for name, size in config.items() if isinstance(size, int)}
    found = _dealt(kernel, dims, tiles, cores, {})
    return prod(-(-each.steps // each.cores) / max(1, each.steps) for each in found)


@lru_cache(maxsize=1024)
def _dealing(structure: Structure, dims: Numbers, tiles: Numbers, cores: int) -> tuple[Dealt, ...]:
    return _dealt(structure.kernel, dict(dims), dict(tiles), cores, _depths(structure.body))


def _dealt(
    kernel: Kernel, dims: Mapping[str, int], tiles: Mapping[str, int], cores: int, depth: Mapping[str, int]
) -> tuple[Dealt, ...]:
    """The independent loops of each nest, those of small depth first; what one nest has dealt out binds the next."""
    found: dict[str, Dealt] = {}
    for chain in _chains(kernel.body):
        ordered = sorted(chain, key=lambda axis: depth.get(axis.name, 0))
        known = [found[axis.name] for axis in ordered if axis.name in found]
        free = [_undealt(axis, dims, tiles) for axis in ordered if axis.name not in found]
        best = min(_ways(free, cores // prod(each.cores for each in known)), key=_left)
        found |= {each.axis.name: each for each in best}
    return tuple(sorted(found.values(), key=lambda each: depth.get(each.axis.name, 0)))


def _undealt(axis: Axis, dims: Mapping[str, int], tiles: Mapping[str, int]) -> Dealt:
    extent = size_value(axis.size, dims)
    tile = 1 if axis.unit else max(1, min(extent, tiles.get(axis.name, extent)))
    return Dealt(axis, int(ceil_div(extent, tile)), tile, 1)


def _ways(loops: list[Dealt], cores: int) -> Iterator[tuple[Dealt, ...]]:
    """Every way to deal loops out to as many cores at most, none with a core more than its busiest one is helped by."""
    if not loops:
        yield ()
        return
    first, *others = loops
    shares = {-(-first.steps // most) for most in range(1, max(1, min(cores, first.steps)) + 1)}
    for count in sorted({-(-first.steps // share) for share in shares if share} or {1}):
        for rest in _ways(others, cores // count):
            yield (Dealt(first.axis, first.steps, first.tile, count), *rest)


def _left(way: tuple[Dealt, ...]) -> tuple[int, tuple[int, ...]]:
    """Steps of the core with most to do; then the counts, those of outer loops first, the largest best."""
    return prod(-(-each.steps // each.cores) for each in way), tuple(-each.cores for each in way)


def _chains(body: tuple[Statement, ...]) -> Iterator[tuple[Axis, ...]]:
    """The axes of tile loops that stand in one another, of every innermost one; a tile of a tile is the core's own."""
    for statement in body:
        if isinstance(statement, TileLoop):
            axes = tuple(each.axis for each in statement.variables if each.axis.parent is None)
            inner = list(_chains(statement.body))
            yield from ((*axes, *chain) for chain in inner) if inner else [axes]


def _depths(body: tuple[Node, ...], depth: int = 0) -> dict[str, int]:
    """How deep every loop stands; of an axis with several, the deepest: the others only load for it."""
    found: dict[str, int] = {}
    for node in body:
        if isinstance(node, Loop):
            for name, place in {**_depths(node.body, depth + 1), node.axis.name: depth}.items():
                found[name] = max(place, found.get(name, 0))
    return found
