"""Probes: collect all tiles that a name is given while a kernel runs, as one array.

A name may be bound in several lines, `acc = zeros[m, n]` and `acc += ...`; each line is a probe of its own, `acc_line6`. What it
collects has an axis for every loop around the line whose variable the value does not have, one position a step, and then the
value's own axes over their whole dimensions:

    for j of L:
        total = total * fade + sum[j](p)     ->  total_line9[h, j, i]: after each step of j
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tilery.backends.operations.numerics import Array
from tilery.dsl import program
from tilery.dsl.errors import UsageError
from tilery.dsl.program import Statement, Value
from tilery.dsl.report import did_you_mean


@dataclass(frozen=True, slots=True)
class Probe:
    """One binding of a name."""

    name: str
    """The name and the line, `acc_line6`."""
    value: Value
    loops: tuple[program.LoopVariable, ...]
    """The loops around it whose variables the value does not have."""


class Probes:
    """The arrays of the probed names."""

    def __init__(self, kernel: program.Program, dims: Mapping[str, int], tiles: Mapping[str, int], names: Sequence[str]) -> None:
        self._dims = dims
        self._tiles = tiles
        found = [each for each in _bindings(kernel.body, ()) if each.value.name in names]
        known = sorted({each.value.name for each in _bindings(kernel.body, ()) if each.value.name.isidentifier()})
        for name in names:
            if not any(each.value.name == name for each in found):
                raise UsageError(f"{kernel.name} binds no `{name}`; {did_you_mean(name, known) or 'it has ' + ', '.join(known)}")
        self._probes = {each.value: each for each in found}
        self._seen: dict[str, Array] = {}

    def see(self, value: Value, array: Array, spans: Mapping[str, slice]) -> None:
        """Takes the tile that `value` is in the current step."""
        probe = self._probes.get(value)
        if probe is None:
            return
        if probe.name not in self._seen:
            self._seen[probe.name] = self._unwritten(probe, array.dtype)
        steps = [spans[each.axis.name].start // self._tiles[each.axis.name] for each in probe.loops]
        positions = [slice(None) if axis.whole else spans[axis.name] for axis in value.axes]
        self._seen[probe.name][(*steps, *positions)] = array

    def _unwritten(self, probe: Probe, dtype: np.dtype[Any]) -> Array:
        """NaN, or the least integer, where no step comes: those that a guard leaves out."""
        loops = [-(-self._extent(each.axis) // self._tiles[each.axis.name]) for each in probe.loops]
        shape = (*loops, *(self._extent(axis) for axis in probe.value.axes))
        unwritten = {"f": np.nan, "i": np.iinfo(np.int32).min}.get(dtype.kind, False)
        return np.full(shape, unwritten, dtype)

    def _extent(self, axis: program.Axis) -> int:
        return program.size_value(axis.size, self._dims)

    @property
    def arrays(self) -> dict[str, Array]:
        """What was collected, by name and line; casts and loads hold numbers of their type in f32 or i32."""
        return dict(self._seen)

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        """The names of the axes of each array."""
        return {
            each.name: (*(loop.axis.name for loop in each.loops), *(axis.name for axis in each.value.axes))
            for each in self._probes.values()
        }

    def save(self, path: Path) -> None:
        """Writes the arrays as `.npz`, and beside each its axes' names as `NAME.axes`."""
        named = {f"{name}.axes": np.array(axes, np.str_) for name, axes in self.axes.items() if name in self._seen}
        entries: dict[str, Any] = {**self._seen, **named}
        with path.open("wb") as file:
            np.savez(file, **entries)


def _bindings(statements: Sequence[Statement], loops: tuple[program.LoopVariable, ...]) -> list[Probe]:
    found: list[Probe] = []
    for each in statements:
        match each:
            case program.TileLoop():
                found += _bindings(each.body, (*loops, *each.variables))
            case program.ForLoop():
                found += _bindings(each.body, (*loops, each.variable))
            case program.Op():
                found.append(_probe(each.result, loops))
    return found


def _probe(value: Value, loops: tuple[program.LoopVariable, ...]) -> Probe:
    own = {axis.name for axis in value.axes}
    outer = tuple(each for each in loops if each.axis.name not in own)
    return Probe(f"{value.name}_line{value.span.line}", value, outer)
