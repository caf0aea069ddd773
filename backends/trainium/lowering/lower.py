"""The road from a checked kernel to an engine program, a line a pass.

prepare   passes from program to program: in the chip's vocabulary, simplified
layout    the axis across the partitions of every value, or the one that is cut into runs
build     loops, instructions, buffers (fusion in `select`, residency in `loads`, partial sums in `dots`,
              stages in `pipeline`)
capacity  does it fit
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from tilery.backends.machine.choices import Choices, Narrowing
from tilery.backends.machine.choosing.answers import Answers
from tilery.backends.machine.choosing.discovery import discover
from tilery.backends.machine.engine_program import Structure
from tilery.backends.simplify.passes import run
from tilery.backends.trainium.chip_tables import TrainiumChip
from tilery.backends.tunable import Choice, Tunable
from tilery.dsl.program import Axis, Program

from ..fusion.followers import SEPARATE
from ..loose import loose_axes
from ..parts.banks import wants_sharing
from ..runs.arrange import arrange, flat_axes, is_flat
from ..runs.eligible import Bar, Runs
from ..tiles import tile_tunables
from .builder import Builder
from .hosted import split
from .layout import grouped
from .loops import block
from .pipelining import lags
from .prepare import passes
from .reading.packed import refuse_types
from .uses import Uses


class Lowering:
    """The lowering of one specialised kernel for one chip. It is computed once, as it does not depend on shapes or tile sizes."""

    def __init__(self, kernel: Program, chip: TrainiumChip) -> None:
        self.kernel = kernel
        self.chip = chip
        refuse_types(kernel, chip)
        self.passed = run(passes(chip), kernel.body)
        self.prepared = split(self.passed[-1].body)
        self._groups = grouped(self.prepared)
        self._runs = Runs(self.prepared.body, chip.tensor.cycles_per_column)
        self._uses = Uses(self.prepared.body)
        self._built = Answers[tuple[Structure, Choices]]()
        self._tile_sizes: dict[tuple[object, ...], tuple[Tunable, ...]] = {}

    def structure(self, config: Mapping[str, Choice]) -> Structure:
        """The program for a configuration's structural choices. A missing choice takes its default."""
        return self.built(config)[0]

    def built(self, config: Mapping[str, Choice]) -> tuple[Structure, Choices]:
        """The structure for a configuration, and the knobs that its lowering asked for."""
        known = self._built.find(config)
        if known is None:
            known = self._build(dict(config))
            self._built.add(known[1].asked, known)
        return known

    @cached_property
    def knobs(self) -> dict[str, Tunable]:
        """Every schedule knob, structural or not, by name.

        They are ordered by kind, then as the lowering first asks for them: what the text calls a value makes no difference.
        """
        found, _ = self._discovered
        return dict(sorted(found.items(), key=lambda item: KINDS.index(_kind(item[0]))))

    @cached_property
    def _short(self) -> dict[str, Narrowing]:
        return {name: each for choices in self.lowerings for name, each in choices.short.items()}

    @property
    def lowerings(self) -> list[Choices]:
        """Those that it took to find the knobs."""
        return self._discovered[1]

    @cached_property
    def _discovered(self) -> tuple[dict[str, Tunable], list[Choices]]:
        return discover(lambda given: self.built(given)[1], lambda name: _kind(name) in TOGETHER)

    @property
    def structural(self) -> frozenset[str]:
        """Names of the knobs that change the program's structure rather than its numbers."""
        return frozenset(name for name, knob in self.knobs.items() if knob.structural)

    def tunables(self, dims: Mapping[str, int], settable: bool, short: bool = True) -> tuple[Tunable, ...]:
        """Tile sizes, then knobs, with the choices that are searched at these shapes; with `settable`, with all legal choices."""
        knobs = list(self.knobs.values())
        if not settable:
            knobs = [self._short[each.name].narrowed(each, dims) if each.name in self._short else each for each in knobs]
            knobs = self._reachable(knobs)
        return (*self.tile_sizes(dims, short), *(knob for knob in knobs if len(knob.values) > 1))

    def _reachable(self, knobs: list[Tunable]) -> list[Tunable]:
        """The knobs that a lowering asks for under choices that are searched; others may depend on one that is not."""
        searched = {each.name: each.values for each in knobs}

        def possible(choices: Choices) -> bool:
            decisive = [each for each in choices.asked if _kind(each[0].name) not in TOGETHER]
            fuses = [SEPARATE in searched[question.name] for question, chosen in decisive if chosen == SEPARATE]
            others = (chosen in searched[question.name] for question, chosen in decisive if chosen != SEPARATE)
            return all(others) and (any(fuses) or not fuses)  # all that may be separate is tried at once

        under = [choices.met for choices in self.lowerings if possible(choices)]
        return [each for each in knobs if any(each.name in met for met in under)]

    def tile_sizes(self, dims: Mapping[str, int], short: bool = True) -> tuple[Tunable, ...]:
        """The tile sizes at these shapes; `short`: with those that are shorter than the chip is wide, where they may help."""
        key = (short, *dims.items())
        if key not in self._tile_sizes:
            flat = flat_axes(self._groups, self._runs)
            loose = loose_axes(self._groups, self._runs, self.prepared.body, dims, self.chip.sbuf.partitions) if short else None
            self._tile_sizes[key] = tile_tunables(self.kernel, dims, self.chip, flat, loose)
        return self._tile_sizes[key]

    def bars(self, axis: Axis) -> list[Bar]:
        """The reasons why the flat values of an axis cannot be cut into runs along it."""
        flat = [group for group in self._groups if is_flat(group)]
        return [bar for group in flat for bar in self._runs.bars(group.members, axis)]

    def _build(self, given: Mapping[str, Choice]) -> tuple[Structure, Choices]:
        builder = self._built_body(given, shares_banks=False)
        if wants_sharing(builder, builder.choices):
            own, builder = builder, self._built_body(given, shares_banks=True)
            wants_sharing(own, builder.choices)  # so that the knob stands among these choices too
            builder.choices.asked[:0] = own.choices.asked
        choices, (top,) = builder.choices, builder.frames
        structure = Structure(
            self.kernel,
            self.chip,
            choices.used(),
            tuple(builder.buffers),
            tuple(top.allocates),
            tuple(top.nodes),
            tuple(builder.host.ops),
            lags(top.nodes),
            tuple(builder.views),
            builder.widths,
        )
        return structure, choices

    def _built_body(self, given: Mapping[str, Choice], shares_banks: bool) -> Builder:
        choices = Choices(given)
        arrangement = arrange(self._groups, self._runs, choices, self.chip.sbuf.partitions)
        builder = Builder(self.chip, self.prepared, self._uses, arrangement, choices, shares_banks)
        block(builder, self.prepared.body)
        return builder


KINDS = (
    *("layout", "order", "hoist", "load", "store", "gather", "accumulate", "banks"),
    *("transpose", "fuse", "engine", "stages", "buffers"),
)
"""What a knob's name begins with, in the order in which knobs are shown."""
TOGETHER = frozenset(("hoist", "load", "store", "gather", "transpose", "engine", "stages"))
"""Those of which no other knob depends but the number of stages: `discovery` tries them together."""


def is_structural(name: str) -> bool:
    """True for the name of a knob that changes the program's structure, as numbers of slots and tile sizes do not."""
    kind = _kind(name)
    return kind in KINDS and kind != "buffers" and kind != name


def _kind(name: str) -> str:
    return name.split(".")[0]
