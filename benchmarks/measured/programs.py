"""The engine program that gave a measurement: a kernel, a shape, and what of a configuration its description says.

Where it says nothing: elementwise work is the vector engine's where that can do it, loops are cut into stages and follow one
another where that is a choice, as the compilers do with loops of independent steps, and buffers are as many as fit, up to three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from tilery.backends import engine
from tilery.backends.chips import Chip, load_chip
from tilery.backends.machine.engine_program import EngineProgram, Loop, Node, Stage, Structure
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.tunable import Choice, Tunable
from tilery.dsl import load
from tilery.dsl.errors import UsageError
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

from .rows import Row

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "benchmarks" / "kernels" / "measured.tk"
SHIPPED = ROOT / "kernels"
MOST = 3
"""Buffers of a kind, where the description says nothing."""
Config = Mapping[str, Choice]


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of the program that was measured."""

    kernel: str
    """Its name in `kernels/measured.tk`, or in the file of that name in `kernels/`."""
    dims: Mapping[str, int]
    config: Config = field(default_factory=dict)
    launched: bool = False
    """Whether the latency has the launch of the kernel in it."""
    only: tuple[str, ...] = ()
    """The forms of instructions that were measured; none: the whole program."""
    warm: bool = False
    """Whether the tensor engine had been at work before."""


def program(row: Row, measured: Measured, chip: Chip | None = None) -> EngineProgram:
    """The engine program of a row, on its chip or on another with the same units."""
    chip = chip or load_chip(row.chip)
    kernel = _kernel(measured.kernel, row.dtype)
    config = _config(kernel, measured, chip)
    whole = _with_buffers(kernel, measured.dims, chip, config)
    made = only(whole, measured.only) if measured.only else whole
    return _warm(made) if measured.warm else made


def _kernel(name: str, dtype: str) -> Program:
    shipped = SHIPPED / f"{name}.tk"
    definition = load(shipped if shipped.exists() else KERNELS).kernels[name]
    return definition.specialise({"T": ELEMENT_TYPES[dtype]}, {})


def _config(kernel: Program, measured: Measured, chip: Chip) -> dict[str, Choice]:
    """What the description says, and what is assumed where it says nothing."""
    known = {each.name: each for each in engine.tunables(kernel, measured.dims, chip)}
    given = {name: choice for name, choice in measured.config.items() if name in known or not name.startswith("engine.")}
    other = {each.name: _vector(each) for each in known.values() if each.name.startswith("engine.")}
    other |= {each.name: each.values[-1] for each in known.values() if each.name.startswith("stages.")}
    return {**other, **given}


def _vector(knob: Tunable) -> Choice:
    return "vector" if "vector" in knob.values else knob.values[0]


def _with_buffers(kernel: Program, dims: Mapping[str, int], chip: Chip, config: Config) -> EngineProgram:
    """The program with one buffer of each kind, or more as long as they fit."""
    knobs = engine.tunables(kernel, dims, chip)
    slots = {each.name: 1 for each in knobs if each.name.startswith("buffers.") and each.name not in config}
    made = engine.lower(kernel, dims, chip, {**config, **slots})
    for number in range(2, MOST + 1):
        for name in slots:
            more = {**slots, name: number}
            try:
                made = engine.lower(kernel, dims, chip, {**config, **more})
            except (engine.Infeasible, UsageError):
                continue
            slots = more
    return made


def only(whole: EngineProgram, forms: tuple[str, ...]) -> EngineProgram:
    """The program with the instructions of some forms alone: what a micro-benchmark measures."""

    def kept(body: tuple[Node, ...]) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for node in body:
            if isinstance(node, Loop):
                stages = tuple(Stage(stage.allocates, kept(stage.body)) for stage in node.stages)
                nodes += [replace(node, stages=stages)] if any(stage.body for stage in stages) else []
            elif node.form in forms:
                nodes.append(node)
        return tuple(nodes)

    structure: Structure = replace(whole.structure, body=kept(whole.structure.body))
    return replace(whole, structure=structure)


def _warm(program: EngineProgram) -> EngineProgram:
    """A program on a tensor engine that has been at work before."""
    unit = msgspec.structs.replace(trainium(program.chip).tensor, warm_up_ns=0)
    chip = msgspec.structs.replace(program.chip, tensor=unit)
    return replace(program, structure=replace(program.structure, chip=chip))
