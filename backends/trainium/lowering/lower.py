"""The road from a checked kernel to an engine program, a line a pass.

prepare   the kernel in the chip's vocabulary
layout    the axis across the partitions of every value, or the one that is cut into runs
build     loops, instructions, buffers (fusion in `select`, residency in `loads`, partial sums in `dots`,
              stages in `pipeline`)
capacity  does it fit
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from tilery.backends.chips import Chip
from tilery.backends.machine.choices import Choices, ForShort
from tilery.backends.machine.program import EngineProgram, Structure
from tilery.backends.tunable import Choice, Config, Tunable, declared, retuned
from tilery.dsl.errors import UsageError
from tilery.dsl.program import Axis, Kernel

from ..capacity import check_capacity
from ..loose import loose_axes
from ..runs.arrange import arrange, flat_axes, is_flat
from ..runs.eligible import Bar, Runs
from ..tiles import tile_tunables
from .builder import Builder
from .layout import grouped
from .loops import block
from .pipelining import lags
from .prepare import prepare


class Lowering:
    """Everything about one specialised kernel on one chip that does not depend on numbers, made once."""

    def __init__(self, kernel: Kernel, chip: Chip) -> None:
        self.kernel = kernel
        self.chip = chip
        self.prepared = prepare(kernel, chip)
        self._groups = grouped(self.prepared)
        self._runs = Runs(self.prepared.body, chip.tensor.cycles_per_column)
        self._built: dict[tuple[tuple[str, Choice], ...], tuple[Structure, Choices]] = {}
        self._knobs: dict[str, Tunable] | None = None
        self._short: dict[str, ForShort] = {}

    def structure(self, config: Mapping[str, Choice]) -> Structure:
        """The program for a configuration's structural choices; what is missing takes its default."""
        return self.built(config)[0]

    def built(self, config: Mapping[str, Choice]) -> tuple[Structure, Choices]:
        """The structure for a configuration, and the knobs that were met on the way to it."""
        chosen = tuple(sorted((name, value) for name, value in config.items() if is_structural(name)))
        if chosen not in self._built:
            self._built[chosen] = self._build(dict(chosen))
        return self._built[chosen]

    @property
    def knobs(self) -> dict[str, Tunable]:
        """Every schedule knob, structural or not, by name."""
        if self._knobs is None:
            self._knobs = self._discover()
        return self._knobs

    @property
    def structural(self) -> frozenset[str]:
        """Names of the knobs that change the program's structure rather than its numbers."""
        return frozenset(name for name, knob in self.knobs.items() if knob.structural)

    def tunables(self, dims: Mapping[str, int], settable: bool, short: bool = True) -> tuple[Tunable, ...]:
        """Tile sizes first, then knobs, as they are searched at these shapes; or with all that they may be set to."""
        knobs = list(self.knobs.values())
        if not settable:
            knobs = [self._short[each.name].narrowed(each, dims) if each.name in self._short else each for each in knobs]
        return (*self.tile_sizes(dims, short), *(knob for knob in knobs if len(knob.values) > 1))

    def tile_sizes(self, dims: Mapping[str, int], short: bool = True) -> tuple[Tunable, ...]:
        """The tile sizes at these shapes; `short`: with those that are shorter than the chip is wide, where they may help."""
        flat = flat_axes(self._groups, self._runs)
        loose = loose_axes(self._groups, self._runs, self.prepared.body, dims, self.chip.sbuf.partitions) if short else None
        return tile_tunables(self.kernel, dims, self.chip, flat, loose)

    def bars(self, axis: Axis) -> list[Bar]:
        """What keeps the flat values of an axis from being cut into runs along it."""
        flat = [group for group in self._groups if is_flat(group)]
        return [bar for group in flat for bar in self._runs.bars(group.members, axis)]

    def _build(self, given: Mapping[str, Choice]) -> tuple[Structure, Choices]:
        choices = Choices(given)
        arrangement = arrange(self._groups, self._runs, choices, self.chip.sbuf.partitions)
        builder = Builder(self.chip, self.prepared, arrangement, choices)
        block(builder, self.prepared.body)
        (top,) = builder.frames
        structure = Structure(
            self.kernel,
            self.chip,
            choices.used(),
            tuple(builder.buffers),
            tuple(top.allocates),
            tuple(top.nodes),
            self.prepared.host,
            lags(top.nodes),
        )
        return structure, choices

    def _discover(self) -> dict[str, Tunable]:
        """The knobs of the default structure, and those that show once one of them is turned."""
        found: dict[str, Tunable] = {}
        waiting: list[dict[str, Choice]] = [{}]
        while waiting:
            given = waiting.pop()
            _, choices = self.built(given)
            self._short |= choices.short
            for name, knob in choices.met.items():
                known = found[name].values if name in found else ()
                if len(knob.values) > len(known):
                    found[name] = knob
                    if knob.structural:
                        waiting += [{**given, name: value} for value in knob.values[1:] if value not in known]
        return dict(sorted(found.items(), key=lambda item: _rank(item[0])))


KINDS = ("layout", "order", "hoist", "accumulate", "transpose", "engine", "stages", "buffers")
"""What a knob's name begins with, in the order in which knobs are shown."""


def is_structural(name: str) -> bool:
    """True for the name of a knob that changes the program's structure, as numbers of slots and tile sizes do not."""
    kind = name.split(".")[0]
    return kind in KINDS and kind != "buffers" and kind != name


def _rank(name: str) -> tuple[int, str]:
    return KINDS.index(name.split(".")[0]), name


LOWERINGS_KEPT = 64

_lowerings: dict[tuple[int, str], Lowering] = {}
_prints: dict[int, tuple[Chip, str]] = {}


def lowering(kernel: Kernel, chip: Chip) -> Lowering:
    """The lowering of a kernel for a chip; the latest few are kept."""
    key = (id(kernel), _print(chip))
    if key not in _lowerings or _lowerings[key].kernel is not kernel:
        if len(_lowerings) >= LOWERINGS_KEPT:
            _lowerings.pop(next(iter(_lowerings)))
        _lowerings[key] = Lowering(kernel, chip)
    return _lowerings[key]


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
    kernel: Kernel, dims: Mapping[str, int], chip: Chip, settable: bool = False, short: bool = True
) -> tuple[Tunable, ...]:
    """The space: every tile size, tuning parameter and schedule knob of a kernel at these shapes on a chip.

    With tuning parameters it has everything that any choice of them brings. `settable`: with the options, too, that are not
    searched because they pay for shorter dimensions only. Not `short`: without tile sizes that are shorter than the chip is wide.
    """
    tunes = declared(kernel)
    found: dict[str, Tunable] = {each.name: each for each in tunes}
    for choices in product(*(each.values for each in tunes)):
        bound = retuned(kernel, dict(zip([each.name for each in tunes], choices, strict=True)))
        for tunable in lowering(bound, chip).tunables(dims, settable, short):
            found.setdefault(tunable.name, tunable)
    ranks = ("tile", "tune", "knob")
    return tuple(sorted(found.values(), key=lambda each: ranks.index(each.kind)))


def lower(kernel: Kernel, dims: Mapping[str, int], chip: Chip, config: Config, cores: int = 1) -> EngineProgram:
    """The engine program of a configuration on one core, or on several; what it leaves out takes its default.

    Raises:
        Infeasible: the chip cannot hold it; says which limit, and by how much.
        CannotLower: the chip has no instruction for something in the kernel.
        UsageError: the configuration names an unknown tunable, or a value that is none of its choices.
    """
    program = assembled(kernel, dims, chip, config, cores)
    check_capacity(program)
    return program


def assembled(kernel: Kernel, dims: Mapping[str, int], chip: Chip, config: Config, cores: int = 1) -> EngineProgram:
    """The same, whether the chip can hold it or not."""
    if not 1 <= cores <= chip.cores.count:
        raise UsageError(f"{chip.name} has {chip.cores.count} cores; {cores} cannot share the work")
    bound = retuned(kernel, config)
    road = lowering(bound, chip)
    structure, choices = road.built(config)
    complete = completed(_space_of(kernel, road, dims, choices, config), config)
    fixed = {each.axis.name: each.by.choices[0] for each in bound.loop_variables if each.by.tune and each.by.choices}
    return EngineProgram(structure, dict(dims), {**complete, **fixed}, cores)


def _space_of(kernel: Kernel, road: Lowering, dims: Mapping[str, int], choices: Choices, config: Config) -> tuple[Tunable, ...]:
    """What a configuration may set: of its own structure if that covers it, which is quick; else of the whole space."""
    near = (*declared(kernel), *road.tile_sizes(dims), *choices.met.values())
    known = {each.name: each for each in near}
    covered = all(name in known and (_is_number(known[name]) or value in known[name].values) for name, value in config.items())
    return near if covered else tunables(kernel, dims, road.chip, settable=True)


def completed(space: tuple[Tunable, ...], config: Config) -> dict[str, Choice]:
    """The configuration with every default filled in, checked against the space."""
    known = {tunable.name: tunable for tunable in space}
    for name, value in config.items():
        if name not in known:
            raise UsageError(f"there is nothing called '{name}' to set; there is {', '.join(known)}")
        _check_value(known[name], value)
    return {name: config.get(name, tunable.default) for name, tunable in known.items()}


def _is_number(tunable: Tunable) -> bool:
    """True for tile sizes and slots, of which any number may be set."""
    return not tunable.structural


def _check_value(tunable: Tunable, value: Choice) -> None:
    if _is_number(tunable):
        if not isinstance(value, int) or value < 1:
            raise UsageError(f"{tunable.name} is a number of at least 1, not '{value}'")
    elif value not in tunable.values:
        raise UsageError(f"{tunable.name} is one of {', '.join(map(str, tunable.values))}, not '{value}'")
