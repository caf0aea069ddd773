"""The search space: every combination of the tunables' choices. Each has a number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from tilery.backends.tunable import Choice, Config, Tunable
from tilery.dsl.errors import UsageError
from tilery.dsl.report import did_you_mean

Indices = NDArray[np.int64]
"""Numbers of configurations."""


class Space:
    """A mixed-radix numbering of configurations: one digit a tunable, the last one running fastest."""

    def __init__(self, tunables: Sequence[Tunable]) -> None:
        self.tunables = tuple(tunables)
        self.radices = np.array([len(each.values) for each in self.tunables], dtype=np.int64)
        self.size = math.prod(len(each.values) for each in self.tunables)
        if self.size >= 2**62:
            raise ValueError(f"a space of {self.size:.1e} configurations cannot be numbered in 64 bits")
        self.slots = np.array([each.slots for each in self.tunables], dtype=bool)
        """Which tunables are numbers of slots. More slots cost memory and never time."""
        self.numbers = np.array([not each.structural for each in self.tunables], dtype=bool)
        """Which tunables change only numbers of a program, not its structure: tile sizes and slots."""
        self.structure_count = math.prod(self.radices[~self.numbers].tolist())
        """How many combinations of structural choices there are."""
        self._strides = np.array(
            [math.prod(self.radices[place + 1 :].tolist()) for place in range(len(self.radices))], dtype=np.int64
        )
        self._places = [{value: place for place, value in enumerate(each.values)} for each in self.tunables]
        self._steps = [
            [[places[other] for other in each.neighbours(value)] for value in each.values]
            for each, places in zip(self.tunables, self._places, strict=True)
        ]

    def config(self, index: int) -> dict[str, Choice]:
        """The configuration with this number."""
        digits = self.digits(np.array([index]))[0]
        return {each.name: each.values[digit] for each, digit in zip(self.tunables, digits, strict=True)}

    def index(self, config: Config) -> int:
        """The number of a configuration. Raises `UsageError` that names a choice that is missing, unknown or outside its
        domain."""
        names = [each.name for each in self.tunables]
        for name in config:
            if name not in names:
                hint = did_you_mean(name, names) or f"there are {', '.join(names)}"
                raise UsageError(f"there is no tunable `{name}`; {hint}")
        return sum(self._digit(place, config) * int(self._strides[place]) for place in range(len(names)))

    def _digit(self, place: int, config: Config) -> int:
        tunable = self.tunables[place]
        if tunable.name not in config:
            raise UsageError(f"the configuration says nothing of `{tunable.name}`")
        try:
            return self._places[place][config[tunable.name]]
        except KeyError:
            choices = ", ".join(str(each) for each in tunable.values)
            raise UsageError(f"{tunable.name}={config[tunable.name]} is not one of its choices: {choices}") from None

    def digits(self, indices: Indices) -> Indices:
        """Choice indices, shape [configuration, tunable]."""
        return (indices[:, None] // self._strides) % self.radices

    def indices(self, digits: Indices) -> Indices:
        """The numbers of configurations that are given as choice indices, shape [configuration, tunable]."""
        return digits @ self._strides

    def columns(self, indices: Indices) -> dict[str, Indices]:
        """Choice indices by tunable, as `engine.screen` takes them."""
        return {
            each.name: (indices // stride) % radix
            for each, stride, radix in zip(self.tunables, self._strides, self.radices, strict=True)
        }

    def draw(self, generator: np.random.Generator, count: int) -> Indices:
        """Draws random configurations without repetition."""
        if self.size <= 4 * count:
            return generator.permutation(self.size)[:count].astype(np.int64)
        return np.unique(generator.integers(self.size, size=count))

    def without_slots(self, indices: Indices) -> Indices:
        """The same configurations with the fewest slots. Two that become equal differed only in slots."""
        return np.asarray(indices - self.digits(indices)[:, self.slots] @ self._strides[self.slots])

    def structure_of(self, indices: Indices) -> Indices:
        """The same configurations with all tile sizes and slots at their first choice. Two that become equal have the same
        structure."""
        return np.asarray(indices - self.digits(indices)[:, self.numbers] @ self._strides[self.numbers])

    def with_slots(self, indices: Indices, digits: Indices) -> Indices:
        """Gives slots to configurations with the fewest slots. `slots` are choice indices, shape [configuration, tunable of
        slots]."""
        return np.asarray(indices + digits @ self._strides[self.slots])

    def groups(self, generator: np.random.Generator, most: int) -> Indices:
        """All structures, or `most` random ones, as choice indices; tile sizes and slots are at index 0."""
        radices = np.where(self.numbers, 1, self.radices)
        count = math.prod(radices.tolist())
        chosen = np.arange(count) if count <= most else np.unique(generator.integers(count, size=most))
        strides = np.array([math.prod(radices[place + 1 :].tolist()) for place in range(len(radices))], dtype=np.int64)
        return (chosen[:, None] // strides) % radices

    def cells(self, group: Indices, generator: np.random.Generator, most: int) -> Indices:
        """The configurations with the structure of `group` and the fewest slots: all, or `most` random ones."""
        tiles = self.numbers & ~self.slots
        sizes = np.where(tiles, self.radices, 1)
        strides = np.array([math.prod(sizes[place + 1 :].tolist()) for place in range(len(sizes))], dtype=np.int64)
        count = math.prod(sizes.tolist())
        chosen = np.arange(count) if count <= most else np.unique(generator.integers(count, size=most))
        return np.where(tiles, (chosen[:, None] // strides) % sizes, group) @ self._strides

    def tiles(self, indices: Indices) -> dict[str, NDArray[np.integer]]:
        """The tile sizes of configurations, by tunable."""
        columns = self.columns(indices)
        kinds = zip(self.tunables, self.numbers & ~self.slots, strict=True)
        return {each.name: np.asarray(each.values)[columns[each.name]] for each, tile in kinds if tile}

    def structures(self, group: Indices) -> Indices:
        """The structures that differ from the given one in one choice, as choice indices."""
        places = [(place, digit) for place in np.flatnonzero(~self.numbers) for digit in range(self.radices[place])]
        around = np.tile(group, (len(places), 1))
        for row, (place, digit) in zip(around, places, strict=True):
            row[place] = digit
        return around

    def steps(self, index: int) -> Indices:
        """The configurations that differ in one tunable by one step."""
        return self._moved(index, ((change,) for change in self._changes(index)))

    def fewer_slots(self, index: int) -> Indices:
        """The configurations with one slot fewer of one kind."""
        digits = self._digits_of(index)
        changes = ((place, digits[place] - 1) for place in np.flatnonzero(self.slots).tolist() if digits[place])
        return self._moved(index, ((change,) for change in changes))

    def lines(self, index: int) -> Indices:
        """The configurations that differ in one tunable by any distance."""
        digits = self._digits_of(index)
        every = ((place, digit) for place, radix in enumerate(self.radices) for digit in range(radix) if digit != digits[place])
        return self._moved(index, ((change,) for change in every))

    def pairs(self, index: int) -> Indices:
        """The configurations that differ in two tunables by one step each, such as a larger tile and one buffer fewer."""
        places: dict[int, list[tuple[int, int]]] = {}
        for change in self._changes(index):
            places.setdefault(change[0], []).append(change)
        return self._moved(index, (pair for one, other in combinations(places.values(), 2) for pair in product(one, other)))

    def _digits_of(self, index: int) -> list[int]:
        return [int(digit) for digit in self.digits(np.array([index]))[0]]

    def _changes(self, index: int) -> list[tuple[int, int]]:
        """One-step changes as (place, new digit)."""
        return [(place, other) for place, digit in enumerate(self._digits_of(index)) for other in self._steps[place][digit]]

    def _moved(self, index: int, moves: Iterator[tuple[tuple[int, int], ...]]) -> Indices:
        digits = self._digits_of(index)
        shifts = (sum((new - digits[place]) * int(self._strides[place]) for place, new in move) for move in moves)
        return np.array([index + shift for shift in shifts], dtype=np.int64)
