"""Precision as a tuning choice: the error that a choice of the text's tuning parameters makes, measured by the emulator.

Element types among them change the values, so that they are searched under an error bound only; without one they stay as the
text has them. An error is measured once for each combination of tuning parameters, at the usual tile sizes: other sizes change
the order of f32 additions, far below what a type of fewer bits loses. The winner is verified, and its error measured, with its
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tilery.backends import emulator
from tilery.backends.truth import data
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.reference import reference
from tilery.backends.tunable import Choice, Tunable, retuned
from tilery.dsl import program
from tilery.dsl.errors import UsageError

from ..results.adapt import adapt
from ..space.tile_choices import tile_sizes
from .small_shape import small_dims
from .verification import nothing_proven

Columns = Mapping[str, NDArray[np.integer]]

PRECISION, ERROR = "precision", "error"
"""The limits: a type that may not be chosen without an error bound, and one whose error is over it."""


@dataclass
class ErrorMeter:
    """Measures the error of combinations of tuning parameters, each once."""

    kernel: program.Program
    dims: Mapping[str, int]
    tunables: tuple[Tunable, ...]
    seed: int = 0
    _known: dict[tuple[Choice, ...], float] = field(default_factory=dict)

    def error(self, config: Mapping[str, Choice]) -> float:
        """The largest error of any element, relative to the scale of the result; see `backends.accuracy`."""
        chosen = {each.name: config.get(each.name, each.default) for each in self.kernel.tunes}
        key = tuple(chosen.values())
        if key not in self._known:
            self._known[key] = self._measured(chosen)
        return self._known[key]

    def errors(self, columns: Columns) -> NDArray[np.float64]:
        """The same of many configurations given as choice indices."""
        by_name = {each.name: each for each in self.tunables}
        names = [each.name for each in self.kernel.tunes]
        count = len(next(iter(columns.values())))
        if not names:
            return np.full(count, self.error({}))
        rows = np.stack([columns[name] for name in names], axis=1)
        distinct, where = np.unique(rows, axis=0, return_inverse=True)
        found = [
            self.error({name: by_name[name].values[place] for name, place in zip(names, row, strict=True)}) for row in distinct
        ]
        return np.asarray(found)[where.ravel()]

    def _measured(self, chosen: Mapping[str, Choice]) -> float:
        if not self.kernel.reference:
            raise UsageError(f"{self.kernel.name} has no `reference:`, so there is nothing to measure its error against")
        usual = {each.name: each.default for each in self.tunables} | dict(chosen)
        small = small_dims(self.kernel, self.dims, usual)
        config = adapt(usual, self.tunables)
        kernel = retuned(self.kernel, chosen)
        arguments = data.random_arguments(kernel, small, self.seed)
        got = emulator.compile(kernel, small, tile_sizes(kernel, config))(arguments)
        comparison = compare(kernel, small, got, reference(kernel, small, arguments))
        if comparison.verdict == "unproven":
            raise nothing_proven(kernel, str(comparison))
        return comparison.max_error


def type_tunes(kernel: program.Program) -> list[program.Tune]:
    """The tuning parameters that choose an element type."""
    return [each for each in kernel.tunes if isinstance(each.default, str)]


def allowed_types(kernel: program.Program, meter: ErrorMeter, max_error: float | None) -> dict[str, Choice]:
    """The first combination of element types whose error is within the bound, the text's defaults first."""
    tunes = type_tunes(kernel)
    usual: dict[str, Choice] = {each.name: each.default for each in tunes}
    if max_error is None:
        return usual
    found: dict[str, float] = {}
    others = product(*(each.choices for each in tunes))
    for choices in (tuple(usual.values()), *others):
        types: dict[str, Choice] = dict(zip(usual, choices, strict=True))
        if (error := meter.error(types)) <= max_error:
            return types
        found[config_words(types) or "as it is"] = error
    tried = "; ".join(f"{words}: {error:.2e}" for words, error in found.items())
    raise UsageError(
        f"{kernel.name} has a larger error than {max_error:g} whatever its element types ({tried})\n"
        "help: allow more with --max-error, or offer types of more bits in the text"
    )


def config_words(types: Mapping[str, Choice]) -> str:
    """`P=f8e4m3 Q=bf16`."""
    return " ".join(f"{name}={value}" for name, value in types.items())


def ruled_out(
    kernel: program.Program,
    tunables: tuple[Tunable, ...],
    columns: Columns,
    meter: ErrorMeter,
    max_error: float | None,
    free: bool,
) -> tuple[str, NDArray[np.bool_]]:
    """Which configurations may not be chosen for their precision, and the name of that limit.

    `free`: the error is an objective, so that every type may be. Else without `max_error` only the text's own types may.
    """
    if max_error is not None:
        return ERROR, meter.errors(columns) > max_error
    count = len(next(iter(columns.values())))
    out = np.zeros(count, bool)
    if not free:
        by_name = {each.name: each for each in tunables}
        for each in type_tunes(kernel):
            out |= columns[each.name] != by_name[each.name].values.index(each.default)
    return PRECISION, out
