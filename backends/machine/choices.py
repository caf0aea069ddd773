"""Schedule knobs: lowering asks for each by name where it has a choice, and the knob is recorded with its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from tilery.dsl.program import Axis, size_value

from ..tunable import Choice, Tunable

SLOTS = (1, 2, 3)
"""Numbers of slots that are searched. With three, instructions no longer wait for a free slot."""


class Narrowing(Protocol):
    """Which options of a knob are searched, of all that can be set."""

    def narrowed(self, knob: Tunable, dims: Mapping[str, int]) -> Tunable:
        """The knob as it is searched at some shapes, its default among the options."""
        ...


@dataclass(frozen=True, slots=True)
class ForShort:
    """An option that is worth trying for short dimensions only."""

    option: Choice
    axes: tuple[Axis, ...]
    limit: int
    """The longest extent with which the option is searched."""
    why: str

    def narrowed(self, knob: Tunable, dims: Mapping[str, int]) -> Tunable:
        """The knob as it is searched at these shapes."""
        if all(size_value(axis.size, dims) <= self.limit for axis in self.axes):
            return knob
        values = tuple(each for each in knob.values if each != self.option)
        return replace(knob, values=values, reasons=(*knob.reasons, f"no `{self.option}`: {self.why}"))


@dataclass(frozen=True, slots=True)
class Question:
    """What lowering asks for where it has a choice."""

    name: str
    options: tuple[Choice, ...]


def answer(question: Question, given: Mapping[str, Choice]) -> Choice:
    """The option that a configuration takes: the given one, else the first.

    A given number may come from another structure with more options (stages): then the largest option below it is taken.
    """
    options = question.options
    chosen = given.get(question.name, options[0])
    if chosen in options:
        return chosen
    if isinstance(chosen, int):
        return max((each for each in options if isinstance(each, int) and each <= chosen), default=options[0])
    return options[0]


@dataclass(slots=True)
class Choices:
    """The structural choices of one lowering, and every knob met on the way."""

    given: Mapping[str, Choice]
    met: dict[str, Tunable] = field(default_factory=dict)
    short: dict[str, Narrowing] = field(default_factory=dict)
    asked: list[tuple[Question, Choice]] = field(default_factory=list)
    """The questions in their order, each with its answer."""
    alike: set[str] = field(default_factory=set)
    """Knobs whose options differ in a number only: one that is not the default shows every further knob."""

    def pick(
        self, name: str, options: tuple[Choice, ...], reason: str, short: Narrowing | None = None, alike: bool = False
    ) -> Choice:
        """The value of a knob: the given one, else its first option. With a single option there is no knob.

        `short` says which of the options are searched at some shapes; all can be set.
        """
        if len(options) < 2:
            return options[0]
        self.met.setdefault(name, Tunable(name, "knob", options, options[0], (reason,)))
        if short is not None:
            self.short[name] = short
        if alike:
            self.alike.add(name)
        question = Question(name, options)
        chosen = answer(question, self.given)
        self.asked.append((question, chosen))
        return chosen

    def slots(self, name: str, options: tuple[int, ...], default: int, reason: str) -> str | int:
        """The name of a knob for a number of slots, or the number itself where there is no choice."""
        if len(options) < 2:
            return options[0]
        self.met.setdefault(name, Tunable(name, "knob", options, default, (reason,), slots=True))
        return name

    def used(self) -> dict[str, Choice]:
        """The value of every knob that this lowering asked for: with them, and without all others, it is the same again."""
        found: dict[str, Choice] = {}
        for question, chosen in self.asked:
            known = found.get(question.name)
            # A name that is asked for twice, with other options, may be answered with less the second time.
            more = isinstance(chosen, int) and isinstance(known, int) and chosen > known
            if known is None or more or chosen == self.given.get(question.name):
                found[question.name] = chosen
        return found
