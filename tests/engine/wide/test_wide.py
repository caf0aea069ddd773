"""Transfers that cover several tiles of a loop: the same bits, the time of every event, the bounds, and what they are for."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.choosing.screen import screen
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.time.bounds import lower_bound_s, upper_bound_s
from tilery.backends.machine.time.resolving import FS_PER_S
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.data import random_arguments
from tilery.backends.truth.reference import reference
from tilery.backends.tunable import Choice
from tilery.dsl import load
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

from ...machine.event_run import event_run
from ..sweep import shares_hold

MODULE = load(Path(__file__).parent / "wide.tk")
DIMS = {"B": 5, "D": 131, "H": 37, "K": 267, "L": 300, "M": 131, "N": 290, "S": 139}
FEW = {"along_rows": {"N": 3}, "short_rows": {"D": 40}, "keys": {"D": 37}}


def kernel_of(name: str, element: str = "f32") -> Program:
    return MODULE.kernels[name].specialise({"T": ELEMENT_TYPES[element]}, {})


def sizes(kernel: Program) -> dict[str, int]:
    return {each: {**DIMS, **FEW.get(kernel.name, {})}[each] for each in kernel.signature.dimensions}


def is_width(name: str) -> bool:
    return name.startswith(("load.", "store."))


def programs(kernel: Program, chip: str, count: int) -> list[EngineProgram]:
    """Drawn configurations that fit, their transfers as wide as anything that can be set."""
    dims, on, draw = sizes(kernel), load_chip(chip), random.Random(f"{kernel.name} {chip}")
    found: list[EngineProgram] = []
    space = engine.tunables(kernel, dims, on, settable=True)
    assert any(is_width(each.name) for each in space), [each.name for each in space]
    for _ in range(20 * count):
        config: dict[str, Choice] = {
            each.name: draw.choice([48, 64, 100, 128]) if each.kind == "tile" else draw.choice(each.values) for each in space
        }
        try:
            found.append(engine.lower(kernel, dims, on, config))
        except engine.Infeasible:
            continue
        if len(found) == count:
            break
    return found


@pytest.mark.parametrize("name", MODULE.kernels)
@pytest.mark.parametrize(("chip", "element"), [("trn1", "f32"), ("trn2", "bf16")])
def test_the_same_values_at_every_width(name: str, chip: str, element: str) -> None:
    kernel = kernel_of(name, element)
    dims = sizes(kernel)
    arguments = random_arguments(kernel, dims, 3)
    want = reference(kernel, dims, arguments)
    found = programs(kernel, chip, 4)
    assert len({program.structure for program in found}) > 1
    for program in found:
        assert compare(kernel, dims, engine.execute(program, arguments, 1), want, arguments).ok, program.config


@pytest.mark.parametrize("name", MODULE.kernels)
def test_the_same_bits_wide_or_not(name: str) -> None:
    """A wide transfer moves what the narrow ones moved; the steps between are the same instructions."""
    kernel, chip = kernel_of(name), load_chip("trn2")
    dims = sizes(kernel)
    arguments = random_arguments(kernel, dims, 4)
    knobs = [each for each in engine.tunables(kernel, dims, chip, settable=True) if is_width(each.name)]
    for config in programs(kernel, "trn2", 1):
        narrow = {**config.config, **{each.name: "tile" for each in knobs}}
        kept = {each: value for each, value in narrow.items() if not each.startswith(("buffers", "stages"))}
        results = []
        for width in (1, -1):
            wide = {each.name: each.values[width] if each.values[0] == "tile" else each.values[0] for each in knobs}
            chosen = {**kept, **({each.name: "tile" for each in knobs} if width == -1 else wide)}
            results.append(engine.execute(engine.lower(kernel, dims, chip, chosen), arguments))
        for result in results[0]:
            np.testing.assert_array_equal(results[0][result].view(np.uint8), results[1][result].view(np.uint8))


@pytest.mark.parametrize("name", MODULE.kernels)
@pytest.mark.parametrize("chip", ["trn1", "trn2"])
def test_the_time_of_every_event(name: str, chip: str) -> None:
    kernel = kernel_of(name, "bf16")
    for program in programs(kernel, chip, 4):
        latency = latency_fs(program)
        assert latency == latency_fs(program, jump=False) == event_run(program), program.config
        assert float(lower_bound_s(program.structure, program.dims, program.tiles)) * (1 - 1e-6) <= latency / FS_PER_S
        assert latency / FS_PER_S <= float(upper_bound_s(program.structure, program.dims, program.tiles)) * (1 + 1e-6)
        shares_hold(program)


def test_screened_as_it_is_lowered() -> None:
    """Memory and bounds of thousands at once are those of each by itself."""
    kernel, chip, draw = kernel_of("pieces"), load_chip("trn2"), np.random.default_rng(0)
    dims = {"M": 700, "N": 9000}
    space = engine.tunables(kernel, dims, chip, settable=True)
    columns = {each.name: draw.integers(0, len(each.values), 40) for each in space}
    screening = screen(kernel, dims, chip, columns, within=space)
    for row in range(40):
        config = {each.name: each.values[int(columns[each.name][row])] for each in space}
        try:
            program = engine.lower(kernel, dims, chip, config)
        except engine.Infeasible:
            assert screening.limit[row] > 0, config
            continue
        bound = float(lower_bound_s(program.structure, dims, program.tiles)) * 1e6
        assert screening.limit[row] == 0 and bound == pytest.approx(float(screening.lower_bound_us[row]), rel=1e-5)


def test_a_recurrence_by_steps_loads_and_stores_rows() -> None:
    """One element a transfer took some 0.5 us; a row of 128 takes little more."""
    kernel, chip, dims = kernel_of("along_rows"), load_chip("trn2"), {"D": 128, "S": 1024, "N": 2}
    wide = engine.lower(kernel, dims, chip, {})
    assert wide.config["load.a"] == wide.config["store.y"] == 128
    narrow = {each: "tile" for each in wide.config if is_width(each)}
    assert latency_fs(wide) * 2 < latency_fs(engine.lower(kernel, dims, chip, narrow))


def test_searched_only_where_it_can_pay() -> None:
    """A loop that may have long tiles needs no wide loads; one that the text keeps short does. All can be set."""
    chip = load_chip("trn2")

    def widths(name: str, settable: bool) -> list[str]:
        kernel = kernel_of(name, "bf16")
        return [each.name for each in engine.tunables(kernel, sizes(kernel), chip, settable) if is_width(each.name)]

    assert widths("product", settable=True) == ["load.a"] and widths("product", settable=False) == []
    assert widths("pieces", settable=False) == ["load.x", "load.z", "store.y"]
    assert widths("along_rows", settable=False) == []
    assert widths("across_rows", settable=False) == ["load.a", "load.b", "store.y"]
