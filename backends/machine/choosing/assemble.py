"""From a configuration to the engine program: its structure with shapes, tile sizes and slots. Choices are checked first.

A kernel is lowered once a chip; the latest few lowerings are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from tilery.backends.chips import Chip
from tilery.backends.families import family_of
from tilery.backends.tunable import Choice, Config, Tunable, declared, retuned
from tilery.dsl.errors import UsageError
from tilery.dsl.program import Program

from ..capacity import check_capacity
from ..choices import Choices
from ..engine_program import EngineProgram
from ..family import Lowering
from .emptiness import check_elements
from .guarded import check_guards

LOWERINGS_KEPT = 64

SPACES_KEPT = 256

_lowerings: dict[tuple[int, str], tuple[Program, Lowering]] = {}
_spaces: dict[tuple[object, ...], tuple[Program, tuple[Tunable, ...]]] = {}
_prints: dict[int, tuple[Chip, str]] = {}


def lowering(kernel: Program, chip: Chip) -> Lowering:
    """The lowering of a kernel for a chip; the latest few are kept."""
    key = (id(kernel), _print(chip))
    if key not in _lowerings or _lowerings[key][0] is not kernel:
        if len(_lowerings) >= LOWERINGS_KEPT:
            _lowerings.pop(next(iter(_lowerings)))
        _lowerings[key] = kernel, family_of(chip).lowering(kernel, chip)
    return _lowerings[key][1]


def _print(chip: Chip) -> str:
    """The chip's fingerprint, remembered: it takes longer than timing a small kernel."""
    known, found = _prints.get(id(chip), (None, ""))
    if known is not chip:
        if len(_prints) >= LOWERINGS_KEPT:
            _prints.clear()
        found = chip.fingerprint
        _prints[id(chip)] = chip, found
    return found


def tunables(
    kernel: Program, dims: Mapping[str, int], chip: Chip, settable: bool = False, short: bool = True
) -> tuple[Tunable, ...]:
    """The space: every tile size, tuning parameter and schedule knob of a kernel at these shapes on a chip.

    It holds the tunables of every choice of the tuning parameters. With `settable` it includes options that can be set but are
    searched for shorter dimensions only. Without `short` it leaves out tile sizes below the chip's step.
    """
    key = (id(kernel), _print(chip), settable, short, *dims.items())
    if key not in _spaces or _spaces[key][0] is not kernel:
        if len(_spaces) >= SPACES_KEPT:
            _spaces.pop(next(iter(_spaces)))
        _spaces[key] = kernel, _space(kernel, dims, chip, settable, short)
    return _spaces[key][1]


def _space(kernel: Program, dims: Mapping[str, int], chip: Chip, settable: bool, short: bool) -> tuple[Tunable, ...]:
    check_elements(kernel, dims)
    tunes = declared(kernel)
    found: dict[str, Tunable] = {each.name: each for each in tunes}
    for choices in product(*(each.values for each in tunes)):
        bound = retuned(kernel, dict(zip([each.name for each in tunes], choices, strict=True)))
        for tunable in lowering(bound, chip).tunables(dims, settable, short):
            found.setdefault(tunable.name, tunable)
    check_guards(kernel, dims, list(found.values()))
    ranks = ("tile", "tune", "knob")
    return tuple(sorted(found.values(), key=lambda each: ranks.index(each.kind)))


def lower(kernel: Program, dims: Mapping[str, int], chip: Chip, config: Config, cores: int = 1) -> EngineProgram:
    """The engine program of a configuration on one core, or on several; what it leaves out takes its default.

    Raises:
        Infeasible: the chip cannot hold it; says which limit, and by how much.
        CannotLower: the chip has no instruction for something in the kernel.
        UsageError: the configuration names an unknown tunable, or a value that is none of its choices.
    """
    program = assembled(kernel, dims, chip, config, cores)
    check_capacity(program)
    return program


def assembled(kernel: Program, dims: Mapping[str, int], chip: Chip, config: Config, cores: int = 1) -> EngineProgram:
    """The same, whether the chip can hold it or not."""
    if not 1 <= cores <= chip.cores.count:
        raise UsageError(f"{chip.name} has {chip.cores.count} cores; {cores} cannot share the work")
    check_elements(kernel, dims)
    bound = retuned(kernel, config)
    _check_said(bound, config)
    road = lowering(bound, chip)
    structure, choices = road.built(config)
    complete = completed(_space_of(kernel, chip, road, dims, choices, config), config)
    fixed = {each.axis.name: each.by.choices[0] for each in bound.loop_variables if each.by.tune and each.by.choices}
    return EngineProgram(structure, dict(dims), {**complete, **fixed}, cores)


def _space_of(
    kernel: Program, chip: Chip, road: Lowering, dims: Mapping[str, int], choices: Choices, config: Config
) -> tuple[Tunable, ...]:
    """The tunables that a configuration may set: those of its own structure if they cover it, which is quick, else all."""
    near = (*declared(kernel), *road.tile_sizes(dims), *choices.met.values())
    known = {each.name: each for each in near}
    covered = all(name in known and (_is_number(known[name]) or value in known[name].values) for name, value in config.items())
    return near if covered else tunables(kernel, dims, chip, settable=True)


def completed(space: tuple[Tunable, ...], config: Config) -> dict[str, Choice]:
    """The configuration with every default filled in, checked against the space."""
    known = {tunable.name: tunable for tunable in space}
    for name, value in config.items():
        if name not in known:
            raise UsageError(f"there is nothing called '{name}' to set; there is {', '.join(known)}")
        _check_value(known[name], value)
    return {name: config.get(name, tunable.default) for name, tunable in known.items()}


def _check_said(kernel: Program, config: Config) -> None:
    """Raises UsageError where a configuration has a tile size that the text does not allow."""
    for each in kernel.loop_variables:
        size = config.get(each.axis.name)
        if isinstance(size, int) and not each.by.tune and not each.by.allows(size):
            raise UsageError(f"the text says `{each.axis.name} of {each.axis.size} by {each.by}`: {size} is no such tile size")


def _is_number(tunable: Tunable) -> bool:
    """True for tile sizes and slots, of which any number may be set."""
    return not tunable.structural


def _check_value(tunable: Tunable, value: Choice) -> None:
    if _is_number(tunable):
        if not isinstance(value, int) or value < 1:
            raise UsageError(f"{tunable.name} is a number of at least 1, not '{value}'")
    elif value not in tunable.values:
        raise UsageError(f"{tunable.name} is one of {', '.join(map(str, tunable.values))}, not '{value}'")
