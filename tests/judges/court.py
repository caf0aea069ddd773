"""Every execution of a kernel against the plain loop over elements."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tilery.backends import emulator, engine
from tilery.backends.chips import Chip, load_chip
from tilery.backends.machine.errors import CannotLower, Infeasible
from tilery.backends.operations import numerics
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.truth.reference import reference
from tilery.backends.tunable import Choice
from tilery.dsl import bind_dimensions, check_requirements, program
from tilery.dsl.errors import TileryError
from tilery.dsl.types import ELEMENT_TYPES

from . import plain
from .kernels import Case
from .memory import Stray

Array = NDArray[Any]
Results = Mapping[str, Array]
DRAWS = 4
CHIPS = ("trn1", "trn2", "trn3")
UNITS = {"f32": 2.0**-24, "bf16": 2.0**-8, "f16": 2.0**-11, "f8e4m3": 2.0**-4, "f8e5m2": 2.0**-3}
F32_STEPS = 256
"""Roundings of f32 that a smooth kernel may be off by; it has a few dozen operations."""


@dataclass(slots=True)
class Trial:
    """What came of one case."""

    faults: list[str] = field(default_factory=list)
    """A sentence for each execution that gives other values, or fails; empty if all agree."""
    ways: list[str] = field(default_factory=list)
    """The executions that were held against the plain loop."""
    exact: bool = False
    """They were compared to the bit."""


def trial(case: Case) -> Trial:
    """The fast emulator, the stepwise one, the exact execution on a chip if it lowers, and the reference if there is one."""
    made, dims = bound(case)
    found = Trial()
    try:
        wanted = plain.judged(made, case.arguments, case.tiles)
    except Stray:
        return _all_refuse(case, made, dims)
    found.exact = wanted.exact
    for name, way in ways(case, made, dims).items():
        hold(found, name, way, wanted, case, made)
    return found


def bound(case: Case) -> tuple[program.Program, dict[str, int]]:
    """The case's program and sizes."""
    made = plain.specialised(case.text, case.arguments, {}, {})
    shapes = {each.name: np.shape(case.arguments[each.name]) for each in made.signature.tensors}
    dims = bind_dimensions(made.signature, shapes)
    check_requirements(made, dims)
    return made, dims


def ways(case: Case, kernel: program.Program, dims: Mapping[str, int]) -> dict[str, Callable[[], Results]]:
    """Every execution of a case, by name."""

    def small(arguments: Mapping[str, Any]) -> Results:
        return emulator.compile(kernel, dims, case.tiles, scratch_bytes=1 << 12)(arguments)

    found: dict[str, Callable[[], Results]] = {
        "fast emulator": lambda: emulator.compile(kernel, dims, case.tiles)(case.arguments, _poisoned(kernel, dims)),
        "fast emulator in little memory": lambda: small(case.arguments),
        "stepwise": lambda: emulator.step_through(kernel, dims, case.tiles, _complete(kernel, case.arguments)),
        "exact": lambda: _executed(case, kernel, dims),
    }
    if kernel.reference:
        found["reference"] = lambda: reference(kernel, dims, _complete(kernel, case.arguments))
    return found


def _complete(kernel: program.Program, arguments: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {each.name: each.default for each in kernel.signature.scalars if each.default is not None}
    return {**defaults, **arguments}


def _poisoned(kernel: program.Program, dims: Mapping[str, int]) -> dict[str, Array]:
    """Results full of NaN, or of a number that no kernel computes, to see that every element is written."""
    found = {}
    for each in kernel.signature.results:
        shape = [program.size_value(size, dims) for size in each.shape]
        stored = numerics.numpy_dtype(each.element)
        found[each.name] = np.full(shape, np.nan if each.element.kind == "float" else 77, stored)
    return found


def _executed(case: Case, kernel: program.Program, dims: Mapping[str, int]) -> Results:
    """On a chip, with any knobs that fit: a few draws, then the first value of each."""
    draw = random.Random(case.seed)
    chip = _adding_everything(load_chip(draw.choice(CHIPS)))
    tunables = engine.tunables(kernel, dims, chip, settable=True)
    for _ in range(DRAWS):
        config = {each.name: case.tiles[each.name] if each.kind == "tile" else draw.choice(each.values) for each in tunables}
        with suppress(Infeasible, CannotLower):
            return _on_chip(case, kernel, dims, chip, config)
    first = {each.name: case.tiles[each.name] if each.kind == "tile" else each.values[0] for each in tunables}
    return _on_chip(case, kernel, dims, chip, first)


def _on_chip(case: Case, kernel: program.Program, dims: Mapping[str, int], chip: Chip, config: Mapping[str, Choice]) -> Results:
    return engine.execute(engine.lower(kernel, dims, chip, config), _complete(kernel, case.arguments))


def _adding_everything(chip: Chip) -> Chip:
    """A chip whose DMA engines add numbers of every type in device memory, so that every `+=` can be held against the others."""
    return msgspec.structs.replace(chip, dma=msgspec.structs.replace(trainium(chip).dma, accumulates=tuple(ELEMENT_TYPES)))


def hold(
    found: Trial, name: str, way: Callable[[], Results], wanted: plain.Judgement, case: Case, kernel: program.Program
) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            got = way()
    except (CannotLower, Infeasible):
        return
    except Exception as error:  # whatever it is: the kernel is right
        found.faults.append(f"{name}: {type(error).__name__}: {error}")
        return
    if (not wanted.exact and not case.smooth) or (name == "reference" and not _comparable(wanted, case)):
        return
    found.ways.append(name)
    for tensor in kernel.signature.results:
        fault = difference(got[tensor.name], wanted.results[tensor.name], 0.0 if wanted.exact else _allowed(kernel))
        if fault:
            found.faults.append(f"{name}: {tensor.name}{fault}")


def _comparable(wanted: plain.Judgement, case: Case) -> bool:
    """A reference knows no rounding, and integers of its own only."""
    return wanted.exact and wanted.whole and case.unrounded


def _allowed(kernel: program.Program) -> float:
    """The part of a result's scale that roundings may take, in a kernel whose functions are smooth."""
    names = {each.result.element.name for each in program.walk(kernel.body) if isinstance(each, program.Op)}
    names |= {each.element.name for each in kernel.signature.results}
    return F32_STEPS * UNITS["f32"] + sum(8 * unit for name, unit in UNITS.items() if name in names and name != "f32")


def difference(got: Array, want: Array, allowed: float) -> str:
    """Where two arrays differ by more than a part of the largest number; empty if they do not."""
    mine, theirs = np.asarray(got).astype(np.float64), np.asarray(want).astype(np.float64)
    if mine.shape != theirs.shape:
        return f" has the shape {mine.shape}, not {theirs.shape}"
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = allowed * max(1.0, float(finite.max(initial=0.0)))
    with np.errstate(invalid="ignore"):
        same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs)) | (np.abs(mine - theirs) <= scale)
    if same.all():
        return ""
    place = tuple(int(each) for each in np.argwhere(~same)[0])
    return f"{list(place)} is {mine[place]!r}, not {theirs[place]!r}; {int((~same).sum())} of {same.size} differ"


def _all_refuse(case: Case, kernel: program.Program, dims: Mapping[str, int]) -> Trial:
    """Where data point outside, every execution says so."""
    found = Trial(exact=True)
    for name, way in ways(case, kernel, dims).items():
        try:
            way()
        except (CannotLower, Infeasible):
            continue
        except TileryError:
            found.ways.append(name)
            continue
        except Exception as error:
            found.faults.append(f"{name}: {type(error).__name__}: {error}")
            continue
        found.faults.append(f"{name}: gives values although the data point outside")
    return found
