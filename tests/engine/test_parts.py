"""Tiles that are written in parts, cut and renamed: exact execution against the reference, access patterns, and copies."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.listing import print_engine_program
from tilery.backends.machine.segments import segments
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.trainium.cost import duration_s
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.data import random_arguments
from tilery.backends.truth.reference import reference
from tilery.backends.tunable import Choice
from tilery.dsl import load, parse
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

from ..machine.event_run import event_run

MODULE = load(Path(__file__).parent / "programs" / "parts.tk")
DIMS = {"S": 141, "L": 267, "D": 37, "M": 141, "N": 200, "K": 75, "B": 5}


def specialised(name: str, element: str = "f32") -> Program:
    return MODULE.kernels[name].specialise({"T": ELEMENT_TYPES[element]}, {})


def sizes(kernel: Program) -> dict[str, int]:
    return {each: DIMS[each] for each in kernel.signature.dimensions}


def programs(kernel: Program, chip: str) -> list[engine.EngineProgram]:
    """The program of the model's pick, and of a drawn configuration that fits."""
    dims, on, draw = sizes(kernel), load_chip(chip), random.Random(kernel.name)
    found = [engine.lower(kernel, dims, on, engine.default_config(kernel, dims, on))]
    for _ in range(8):
        config: dict[str, Choice] = {
            each.name: draw.choice([48, 64, 128, 200])
            if each.kind == "tile" and len(each.values) > 1
            else draw.choice(each.values)
            for each in engine.tunables(kernel, dims, on)
        }
        try:
            return [*found, engine.lower(kernel, dims, on, config)]
        except engine.Infeasible:
            continue
    return found


@pytest.mark.parametrize("name", MODULE.kernels)
@pytest.mark.parametrize(("chip", "element"), [("trn1", "f32"), ("trn2", "bf16"), ("trn3", "f32")])
def test_exact_execution_as_the_reference_says(name: str, chip: str, element: str) -> None:
    kernel = specialised(name, element)
    dims = sizes(kernel)
    given = random_arguments(kernel, dims, 3)
    wanted = reference(kernel, dims, given)
    assert compare(kernel, dims, emulator.compile(kernel, dims, emulator.own_tiles(kernel, dims))(given), wanted, given).ok
    for program in programs(kernel, chip):
        for shuffle in (None, 1):
            assert compare(kernel, dims, engine.execute(program, given, shuffle=shuffle), wanted, given).ok, program.config
        assert latency_fs(program) == latency_fs(program, jump=False) == event_run(program)


def test_a_row_of_scores_is_one_buffer_that_its_instructions_write_and_read_in_parts() -> None:
    kernel = specialised("attention_rows", "bf16")
    dims, on = {"S": 256, "L": 512, "D": 64}, load_chip("trn2")
    config: dict[str, Choice] = {"s": 128, "l": 256}
    program = engine.lower(kernel, dims, on, engine.default_config(kernel, dims, on, config))
    text = print_engine_program(program)
    assert "row[s, l] = dot * scale" in text and "copy row" not in text
    (row,) = [each for each in program.structure.buffers if each.name == "row"]
    assert program.family.takes(row, on, program.tile, program.extent) == 512 * 4
    assert {each.name for each in program.structure.views} == {"row[s, l]", "p[s, l]"}
    assert all(each.storage.name in ("row", "p") for each in program.structure.views)


def test_what_is_still_read_of_a_tile_is_copied_before_it_is_overwritten() -> None:
    kernel = specialised("keeps_what_was")
    program = engine.lower(kernel, sizes(kernel), load_chip("trn2"), {"m": 128})
    names = [node.name for _, node in program.structure.instructions()]
    assert "copy old.before" in names


def test_an_instruction_waits_for_the_buffer_that_its_view_lies_in() -> None:
    kernel = specialised("softmax_of_product")
    program = engine.lower(kernel, sizes(kernel), load_chip("trn2"), {"m": 128, "n": 128, "k": 64})
    (top,) = [node for _, node in program.structure.instructions() if node.name == "reduce top"]
    (row,) = top.reads_from
    writers = [node for _, node in program.structure.instructions() if row in node.writes_to]
    assert writers and all(row not in node.writes for node in writers)


GATES = load(Path(__file__).parents[1] / "kernels" / "recurrences" / "networks.tk")
SEQUENCE = {"S": 4, "B": 5, "D": 37, "H": 40}


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
@pytest.mark.parametrize("name", GATES.kernels)
def test_recurrent_networks_fit_and_give_the_emulators_values(name: str, chip: str) -> None:
    kernel, dims, on = GATES.kernels[name].specialise({"T": ELEMENT_TYPES["f32"]}, {}), SEQUENCE, load_chip(chip)
    given = {each: np.asarray(value, np.float32) * np.float32(0.2) for each, value in random_arguments(kernel, dims, 3).items()}
    program = engine.lower(kernel, dims, on, engine.default_config(kernel, dims, on))
    wanted = emulator.compile(kernel, dims, emulator.own_tiles(kernel, dims))(given)["y"]
    for shuffle in (None, 2):
        np.testing.assert_allclose(engine.execute(program, given, shuffle=shuffle)["y"], wanted, atol=1e-6)
    assert latency_fs(program) == event_run(program)


def test_products_share_banks_where_each_has_none_of_its_own() -> None:
    """Eight products and two transposes of an LSTM in eight banks: what multiplies x takes turns, and what multiplies h."""
    kernel, dims, on = GATES.kernels["lstm"].specialise({"T": ELEMENT_TYPES["f32"]}, {}), SEQUENCE, load_chip("trn2")
    program = engine.lower(kernel, dims, on, engine.default_config(kernel, dims, on))
    products = [node.writes[0].name for _, node in program.structure.instructions() if node.form == "matmul"]
    assert len(products) == 8 and len(set(products)) == 2
    (knob,) = [each for each in engine.tunables(kernel, dims, on) if each.name == "banks.products"]
    assert knob.values == ("shared", "own") and program.config["banks.products"] == "shared"
    few = GATES.kernels["rnn"].specialise({"T": ELEMENT_TYPES["f32"]}, {})
    assert "banks.products" not in {each.name for each in engine.tunables(few, dims, on)}


@pytest.mark.parametrize(("taken", "rate"), [("h[m, p]", 4), ("h[m, 2 * p]", 2)])
def test_elements_apart_in_a_tile_are_half_as_fast_on_paper(taken: str, rate: int) -> None:
    """64 elements of bf16 a partition: 60 cycles and 64 / 4, or 64 / 2 where every other one is taken."""
    text = f"""kernel f(x: bf16[M, N], scale: bf16[N]) -> y: bf16[M, P]:
    require P == N // 2
    tile m of M:
        h = bf16(exp(x[m, N]))
        for p of P:
            y[m, p] = bf16({taken} * 2.0)
"""
    kernel, on = parse(text).kernels["f"].specialise({}, {}), trainium(load_chip("trn2"))
    dims = {"M": 128, "N": 128}
    program = engine.lower(kernel, dims, on, {"m": 128, "p": 64})
    (taking,) = [node for _, node in program.structure.instructions() if node.form == "tensor_scalar"]
    assert duration_s(taking, on, {"m": 128, "p": 64, "N": 128}, dims) == pytest.approx((60 + 64 / rate) / 0.96e9)


def test_a_tile_that_a_later_phase_cuts_stays_on_the_chip() -> None:
    text = """kernel f(x: f32[M, N]) -> y: f32[M, N]:
    temp t: f32[M, N]
    h = exp(x[M, N])
    t[M, N] = h * 2.0
    tile n of N:
        y[M, n] = t[M, n] + h[M, n]
"""
    kernel, dims = parse(text).kernels["f"].specialise({}, {}), {"M": 100, "N": 150}
    program = engine.lower(kernel, dims, load_chip("trn2"), {"n": 64})
    first, *_, last = segments(program.structure)
    assert "h" in {each.name for each in first} and "h" in {each.name for each in last}
    x = np.random.default_rng(0).standard_normal((100, 150), np.float32)
    np.testing.assert_allclose(engine.execute(program, {"x": x})["y"], 3 * np.exp(x), rtol=1e-5)
