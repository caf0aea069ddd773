"""Which loops' steps are divided among the cores, and among how many.

    tile m of M, n of N           8 cores, 16 x 16 tiles     m over 8
    tile b of B, g of G, r of R   8 cores, B=1 G=4 R=6       g over 4, r over 2
    tile m of M                   8 cores, 3 tiles           m over 3: five cores have nothing to do

The steps of every independent loop may be divided, of several loops at once: core (i, j) takes the steps i, i + 4, .. of g, and
j, j + 2, .. of r. Of all divisions that need no more cores than there are, the one with the least work for the busiest core is
taken. Among equal ones, outer loops are divided first, so that all steps of the inner loops share what is loaded outside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from tilery.dsl.program import Axis, Program, Statement, TileLoop, size_value

from ..engine_program import EngineProgram, Instruction, Loop, Node, Structure, instructions
from ..numbers import ceil_div

Numbers = tuple[tuple[str, int], ...]
"""Names with their numbers: dimensions, or tile sizes."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """An independent loop, and the number of cores that its steps are divided among."""

    axis: Axis
    steps: int
    tile: int
    cores: int


def cores_of(program: EngineProgram, loop: Loop) -> int:
    """Among how many cores a loop's steps are divided; 1: every core executes all of them."""
    if program.cores == 1 or loop.limit is not None or not loop.parallel:
        return 1
    return next((each.cores for each in dealt_loops(program) if each.axis.name == loop.axis.name), 1)


def dealt_loops(program: EngineProgram) -> tuple[Dealt, ...]:
    """The independent loops of a program, outermost first."""
    tiles = {name: int(size) for name, size in program.config.items() if isinstance(size, int)}
    return dealing(program.structure, program.dims, tiles, program.cores)


def busy_cores(program: EngineProgram) -> int:
    """How many cores have work."""
    return prod(each.cores for each in dealt_loops(program))


def repeated(program: EngineProgram) -> dict[Instruction, int]:
    """On how many cores each instruction is repeated: the product over the divided loops that it does not stand in."""
    dealt = {each.axis.name: each.cores for each in dealt_loops(program) if each.cores > 1}
    several = len(list(_chains(program.kernel.body))) > 1
    found: dict[Instruction, int] = {}
    for node in program.structure.body if dealt else ():
        inside = set(_depths((node,)))
        # Inside a nest of loops, only that nest's loops count; outside of all nests, every loop does.
        mine = {name: cores for name, cores in dealt.items() if not several or name in inside or not inside}
        for loops, instruction in instructions((node,)):
            around = {loop.axis.name for loop in loops if loop.parallel and loop.limit is None}
            found[instruction] = prod(cores for name, cores in mine.items() if name not in around)
    return found


def dealing(structure: Structure, dims: Mapping[str, int], tiles: Mapping[str, int], cores: int) -> tuple[Dealt, ...]:
    """The independent loops of a structure, outermost first, with the number of cores that each is divided among."""
    axes = {axis.name for chain in _chains(structure.kernel.body) for axis in chain}
    return _dealing(structure, tuple(dims.items()), tuple((name, tiles[name]) for name in sorted(axes & set(tiles))), cores)


def busiest_share(kernel: Program, dims: Mapping[str, int], config: Mapping[str, int | str], cores: int) -> float:
    """The share of all steps that the busiest core executes, with the tile sizes of a configuration."""
    tiles = {name: int(size) for name, size in config.items() if isinstance(size, int)}
    found = _dealt(kernel, dims, tiles, cores, {})
    return prod(-(-each.steps // each.cores) / max(1, each.steps) for each in found)


@lru_cache(maxsize=1024)
def _dealing(structure: Structure, dims: Numbers, tiles: Numbers, cores: int) -> tuple[Dealt, ...]:
    return _dealt(structure.kernel, dict(dims), dict(tiles), cores, _depths(structure.body))


def _dealt(
    kernel: Program, dims: Mapping[str, int], tiles: Mapping[str, int], cores: int, depth: Mapping[str, int]
) -> tuple[Dealt, ...]:
    """Divides the loops of each nest, outer ones first. A loop divided for one nest is divided alike in the next."""
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
    """Every way to divide loops among at most `cores` cores, with no core that does not relieve the busiest one."""
    if not loops:
        yield ()
        return
    first, *others = loops
    shares = {-(-first.steps // most) for most in range(1, max(1, min(cores, first.steps)) + 1)}
    for count in sorted({-(-first.steps // share) for share in shares if share} or {1}):
        for rest in _ways(others, cores // count):
            yield (Dealt(first.axis, first.steps, first.tile, count), *rest)


def _left(way: tuple[Dealt, ...]) -> tuple[int, tuple[int, ...]]:
    """For sorting: the steps of the busiest core, then the cores a loop, outer loops first, more before fewer."""
    return prod(-(-each.steps // each.cores) for each in way), tuple(-each.cores for each in way)


def _chains(body: tuple[Statement, ...]) -> Iterator[tuple[Axis, ...]]:
    """For every innermost tile loop, the axes of the loops around it and its own. A tile of a tile stays on one core."""
    for statement in body:
        if isinstance(statement, TileLoop):
            axes = tuple(each.axis for each in statement.variables if each.axis.parent is None)
            inner = list(_chains(statement.body))
            yield from ((*axes, *chain) for chain in inner) if inner else [axes]


def _depths(body: tuple[Node, ...], depth: int = 0) -> dict[str, int]:
    """The depth of every axis's loop. If an axis has several loops, the deepest counts: the others only load for it."""
    found: dict[str, int] = {}
    for node in body:
        if isinstance(node, Loop):
            for name, place in {**_depths(node.body, depth + 1), node.axis.name: depth}.items():
                found[name] = max(place, found.get(name, 0))
    return found
