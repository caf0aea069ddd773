"""Finds the knobs of a kernel with few lowerings.

A lowering meets the knobs of its own structure. Some choices lead to structures with others: each of these is tried alone. Most
choices only change an instruction, or where it stands: the number of stages may depend on them, the other knobs do not. These
are tried together, each lowering with another half of them away from its default, so that any two differ in one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count

from tilery.backends.tunable import Choice, Tunable

from ..choices import Choices

FUSE = "fuse."
"""Begins the names of knobs that are all tried at once: what is apart has an engine of its own, whatever else is apart."""
STAGES = "stages."
"""Begins those that are also tried with all else as it was: a loop may have stages where one inside has them."""
HOIST = "hoist."
"""Begins those that are also tried one by one: a loop has stages of its own only as long as one load stands in it."""


def discover(
    choices_of: Callable[[Mapping[str, Choice]], Choices], together: Callable[[str], bool]
) -> tuple[dict[str, Tunable], list[Choices]]:
    """Every knob by name, with the most values that it was met with, in the order in which they were met; and all lowerings.

    `together`: whether a knob is one of those that are tried together.
    """
    found: dict[str, Tunable] = {}
    seen: list[Choices] = []
    later: dict[str, Choice] = {}
    waiting: list[dict[str, Choice]] = [{}]
    while waiting:
        given = waiting.pop()
        choices = choices_of(given)
        new = _met(choices, found, seen)
        waiting += _alone(given, new, together)
        tried = [found[name] for name in new if together(name)]
        staged = {each.name: each.values[1] for each in tried if each.name.startswith(STAGES)}
        halves = _halves([replace(each, values=each.values[:2]) if each.name in choices.alike else each for each in tried])
        moved = ({each.name: value} for each in tried if each.name.startswith(HOIST) for value in each.values[1:])
        for mixed in chain([staged] if staged else [], moved, halves):
            here = {**given, **later, **mixed}
            while late := _met(choices_of(here), found, seen):
                # What shows only there is tried there, and further on.
                waiting += _alone(here, late, together)
                later |= {name: values[0] for name, values in late.items() if together(name)}
                here = here | later
    return found, seen


def _alone(
    given: dict[str, Choice], new: Mapping[str, tuple[Choice, ...]], together: Callable[[str], bool]
) -> list[dict[str, Choice]]:
    """What is still to be lowered for new knobs that are not tried together: each value alone, but all of `FUSE` at once."""
    apart = {name: values[0] for name, values in new.items() if name.startswith(FUSE) and not together(name)}
    others = [(name, value) for name, values in new.items() if not together(name) and name not in apart for value in values]
    return ([{**given, **apart}] if apart else []) + [{**given, name: value} for name, value in others]


def _met(choices: Choices, found: dict[str, Tunable], seen: list[Choices]) -> dict[str, tuple[Choice, ...]]:
    """Takes up what a lowering met: of structural knobs that are new, or have more values, the new values but the default."""
    seen.append(choices)
    new: dict[str, tuple[Choice, ...]] = {}
    for name, knob in choices.met.items():
        known = found[name].values if name in found else ()
        if len(knob.values) > len(known):
            found[name] = knob
            if knob.structural:
                new[name] = tuple(value for value in knob.values[1:] if value not in known)
    return new


def _halves(knobs: Sequence[Tunable]) -> Iterator[dict[str, Choice]]:
    """Choices in which about half of the knobs leave their defaults, each time another half, until every value had its turn."""
    left = {knob.name: set(knob.values[1:]) for knob in knobs}
    bits = len(knobs).bit_length()
    for turn in count():
        away = [(place, each) for place, each in enumerate(knobs, 1) if (place >> turn & 1 if turn < bits else left[each.name])]
        if not away:
            return
        chosen = {each.name: each.values[1 + (place + turn) % (len(each.values) - 1)] for place, each in away}
        for name, value in chosen.items():
            left[name].discard(value)
        yield chosen
