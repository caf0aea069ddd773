"""A tunable: one property of a kernel that is chosen instead of written, as an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tilery.dsl.program import Program

Choice = int | str
"""What a tunable may be set to: a tile size, a number of slots, or the name of an alternative."""

Config = Mapping[str, Choice]
"""A configuration: tunable name -> choice, e.g. `{"m": 128, "n": 512, "k": 128, "buffers.a": 2}`."""


@dataclass(frozen=True, slots=True)
class Tunable:
    """A tile size or a schedule knob."""

    name: str
    """As in a configuration and after `--set`."""
    kind: Literal["tile", "tune", "knob"]
    """`tile`: a tile size of the text. `tune`: declared in the text by name. `knob`: a choice of the chip's schedule."""
    values: tuple[Choice, ...]
    """The domain; numbers ascending."""
    default: Choice
    reasons: tuple[str, ...]
    """Why the domain ends where it does, a sentence a bound, e.g. `partitions of trn2: 128`."""
    slots: bool = False
    """Whether it is a number of slots: more slots need more memory and are never slower."""

    @property
    def structural(self) -> bool:
        """True if it changes what the program is made of, and not only its numbers."""
        return self.kind != "tile" and not self.slots

    @property
    def ordered(self) -> bool:
        """True if the values are numbers, so that neighbours are alike."""
        return all(isinstance(value, int) for value in self.values)

    def neighbours(self, value: Choice) -> tuple[Choice, ...]:
        """The choices one step away from `value`: the next smaller and larger number, or every other alternative."""
        if not self.ordered:
            return tuple(each for each in self.values if each != value)
        place = self.values.index(value)
        return self.values[max(0, place - 1) : place] + self.values[place + 1 : place + 2]


def declared(kernel: Program) -> tuple[Tunable, ...]:
    """What the text itself leaves open with `tune`."""
    return tuple(Tunable(each.name, "tune", each.choices, each.default, ("declared in the text",)) for each in kernel.tunes)


def retuned(kernel: Program, config: Config) -> Program:
    """The kernel with its tuning parameters bound as the configuration says; one that is left out stays as it is."""
    chosen = {each.name: config[each.name] for each in kernel.tunes if each.name in config}
    return kernel.retuned(chosen) if chosen else kernel
