"""Random programs of the engine, and what must hold of each: shared by the tests and by the torture."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence

import numpy as np

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.choosing.assemble import lowering
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.time.bounds import lower_bound_s, upper_bound_s
from tilery.backends.machine.time.resolving import FS_PER_S
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.data import random_arguments
from tilery.backends.truth.reference import reference
from tilery.backends.tunable import Choice
from tilery.dsl import parse
from tilery.dsl.program import Program
from tilery.dsl.types import BF16, F32, ElementType

from ..generated import kernel_text
from ..machine.event_run import event_run
from .sweep import shares_hold

CHIPS = ("trn1", "trn2", "trn3")


def drawn_kernel(seed: int, elements: Sequence[ElementType] = (F32, BF16)) -> Program:
    """A random kernel of one element type."""
    element = random.Random(seed).choice(elements)
    return parse(kernel_text(seed)).kernels["drawn"].specialise({"T": element}, {})


def drawn_config(kernel: Program, dims: dict[str, int], chip: str, draw: random.Random, most: int) -> dict[str, Choice]:
    """Tile sizes of `most` steps at most, ragged as often as not, and any knobs."""
    config: dict[str, Choice] = {}
    for each in engine.tunables(kernel, dims, load_chip(chip), settable=True):
        if each.kind == "tile":
            extent = dims[each.name.upper()]
            config[each.name] = draw.randint(-(-extent // draw.randint(1, most)), extent)
        else:
            config[each.name] = draw.choice(each.values)
    return config


def hold_timing(seed: int, kernel: Program, configurations: int) -> None:
    """Programs of one kernel, fitting the chip or not: the same femtoseconds with jumps, without, and event by event."""
    draw, chip = random.Random(seed), CHIPS[seed % len(CHIPS)]
    for _ in range(configurations):
        dims = {name: draw.choice([draw.randint(1, 40), draw.randint(41, 900)]) for name in kernel.signature.dimensions}
        config = drawn_config(kernel, dims, chip, draw, 9)
        structure = lowering(kernel, load_chip(chip)).structure(config)
        program = EngineProgram(structure, dims, config, cores=draw.choice([1, 1, 2, 3, 8]))
        latency = latency_fs(program)
        assert latency == latency_fs(program, jump=False) == event_run(program), (seed, dims, config)
        if program.cores == 1:
            sizes = program.tiles
            assert float(lower_bound_s(structure, dims, sizes)) * (1 - 1e-6) <= latency / FS_PER_S
            assert latency / FS_PER_S <= float(upper_bound_s(structure, dims, sizes)) * (1 + 1e-6)
        shares_hold(program)


def hold_values(seed: int) -> None:
    """Exact execution and the emulator against the float64 reference, at a ragged shape and a random configuration."""
    kernel, draw, chip = drawn_kernel(seed), random.Random(seed), CHIPS[seed % len(CHIPS)]
    dims = {name: draw.randint(1, 200) for name in kernel.signature.dimensions}
    arguments = random_arguments(kernel, dims, seed)
    want = reference(kernel, dims, arguments)
    config = drawn_config(kernel, dims, chip, draw, 4)
    tiles = {name: int(size) for name, size in config.items() if name.upper() in dims}
    outcomes = {"emulator": emulator.compile(kernel, dims, tiles)(arguments)}
    with contextlib.suppress(engine.Infeasible):
        outcomes["engine"] = engine.execute(engine.lower(kernel, dims, load_chip(chip), config), arguments)
    for way, got in outcomes.items():
        assert all(np.isfinite(np.asarray(each, np.float64)).all() for each in got.values())
        assert compare(kernel, dims, got, want, arguments).ok, (seed, way, dims, config)
