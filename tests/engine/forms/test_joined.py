"""Loops around pipelined loops whose steps follow one another without a pause: their order, values and time."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.listing import print_engine_program
from tilery.backends.machine.stage_order import Piece, in_joined_order, in_order
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.tunable import Choice
from tilery.dsl import load, parse
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

from ...machine.event_run import event_run
from ..test_exact import check

FILE = Path(__file__).parents[2] / "kernels" / "experts" / "head_attention.tk"


def attention(causal: bool) -> Program:
    return load(FILE).kernels["attention_head"].specialise({"T": ELEMENT_TYPES["bf16"]}, {"causal": causal})


def program(kernel: Program, dims: dict[str, int], chip: str, **config: Choice) -> engine.EngineProgram:
    return engine.lower(kernel, dims, load_chip(chip), {name.replace("_", "."): value for name, value in config.items()})


def said(piece: Piece) -> str:
    return f"{piece.kind} {piece.outer}" if piece.kind != "stage" else f"{piece.stage} of {piece.outer}.{piece.inner}"


def test_the_order_of_the_page() -> None:
    assert [said(each) for each in in_joined_order([2, 2], 3)] == [
        *("before 0", "0 of 0.0", "0 of 0.1", "1 of 0.0"),
        *("before 1", "0 of 1.0", "1 of 0.1", "2 of 0.0", "0 of 1.1", "1 of 1.0", "2 of 0.1", "after 0"),
        *("1 of 1.1", "2 of 1.0", "2 of 1.1", "after 1"),
    ]


def test_a_step_waits_until_the_one_before_the_last_is_through() -> None:
    order = [said(each) for each in in_joined_order([1, 0, 1, 1], 3)]
    assert order.index("after 0") < order.index("before 2") and order.index("after 1") < order.index("before 3")
    assert [each for each in order if each.startswith("after")] == ["after 0", "after 1", "after 2", "after 3"]


@pytest.mark.parametrize("counts", [[4], [3, 2, 5], [0, 0, 2], [1, 1, 1, 1]])
def test_every_stage_of_every_step_comes_once_and_in_order(counts: list[int]) -> None:
    pieces = [each for each in in_joined_order(counts, 3) if each.kind == "stage"]
    assert sorted((each.outer, each.inner, each.stage) for each in pieces) == [
        (outer, inner, stage) for outer, count in enumerate(counts) for inner in range(count) for stage in range(3)
    ]
    for stage in range(3):
        found = [(each.outer, each.inner) for each in pieces if each.stage == stage]
        assert found == sorted(found)


def test_one_step_alone_is_the_loop_inside() -> None:
    pieces = [(each.inner, each.stage) for each in in_joined_order([5], 3) if each.kind == "stage"]
    assert pieces == list(in_order(5, 3))


def drawn(kernel: Program, dims: dict[str, int], chip: str, draw: random.Random) -> engine.EngineProgram | None:
    """A random configuration with joined steps; None if it does not fit."""
    config: dict[str, Choice] = {
        each.name: draw.choice([16, 33, 64, 128]) if each.kind == "tile" else draw.choice(each.values)
        for each in engine.tunables(kernel, dims, load_chip(chip))
    }
    try:
        return engine.lower(kernel, dims, load_chip(chip), config | {"stages.i": 2, "stages.j": draw.choice([2, 3, 4])})
    except engine.Infeasible:
        return None


@pytest.mark.parametrize("chip", ["trn1", "trn2"])
@pytest.mark.parametrize("causal", [False, True])
def test_timed_event_by_event_and_executed_exactly(causal: bool, chip: str) -> None:
    draw, kernel, found = random.Random(17), attention(causal), 0
    for number in range(24):
        dims = {"S": draw.randint(1, 500), "L": draw.randint(1, 500), "D": draw.choice([5, 32])}
        made = drawn(kernel, dims, chip, draw)
        if made is None:
            continue
        assert any(loop.joined for loops, _ in made.structure.instructions() for loop in loops)
        assert latency_fs(made) == latency_fs(made, jump=False) == event_run(made)
        if found % 4 == 0:
            check(kernel, dims, made, number)
        found += 1
    assert found >= 4


def test_a_loop_around_several_ones_is_cut_into_stages_too() -> None:
    """Scores of the next rows are computed while those of the last ones are multiplied."""
    definition = load(FILE).kernels["attention_head_rows"]
    kernel = definition.specialise({"T": ELEMENT_TYPES["bf16"]}, {})
    long, short = {"S": 1024, "L": 1024, "D": 128}, {"S": 300, "L": 131, "D": 17}
    (knob,) = (each for each in engine.tunables(kernel, long, load_chip("trn1")) if each.name == "stages.i")
    config: dict[str, Choice] = {"i": 128, "j": 512, "hoist.k": "i", "hoist.v": "i"}
    config |= {each.name: 1 for each in engine.tunables(kernel, long, load_chip("trn1")) if each.name.startswith("buffers.")}
    one_by_one, staged = (program(kernel, long, "trn1", **config, stages_i=number) for number in (1, 2))
    assert latency_fs(staged) < latency_fs(one_by_one)
    for number in knob.values:
        made = program(kernel, short, "trn1", **(config | {"i": 64, "j": 48}), stages_i=number)
        assert latency_fs(made) == latency_fs(made, jump=False) == event_run(made)
        check(kernel, short, made, 3)


def test_the_drain_of_a_step_lies_under_the_next_one() -> None:
    dims = {"S": 2048, "L": 2048, "D": 128}
    buffers: dict[str, Choice] = {"buffers.s": 2, "buffers.turn": 2, "buffers.dot": 1, "hoist.k": "i", "hoist.v": "i"}
    config: dict[str, Choice] = {"i": 128, "j": 512, "stages.j": 4, "engine.turn": "scalar", **buffers}
    apart, joined = (program(attention(False), dims, "trn1", **config, stages_i=number) for number in (1, 2))
    assert latency_fs(joined) < 0.9 * latency_fs(apart)
    assert "each begun under the last stages of the one before" in print_engine_program(joined)
    # What a step's last stages still use has one more instance, and nothing else has.
    more = {each.name for each in joined.structure.buffers if joined.structure.lags.get(each)} - {
        each.name for each in apart.structure.buffers if apart.structure.lags.get(each)
    }
    assert more == {"total", "acc", "reciprocal"}


CARRIED = """
kernel carried(x: T[M, N]) -> y: f32[M]:
    tile m of M:
        total = zeros[m]
        for n of N:
            e = exp(x[m, n] - max[n](x[m, n]))
            total += sum[n](e * e + x[m, n])
        y[m] = total

kernel both(x: T[K, M, N]) -> y: f32[M]:
    tile m of M:
        total = zeros[m]
        for k of K by 1:
            for n of N:
                e = exp(x[k, m, n] - max[n](x[k, m, n]))
                total += sum[n](e * e + x[k, m, n])
        y[m] = total
"""


def test_steps_that_leave_something_to_the_next_one_are_not_joined() -> None:
    knobs = {}
    for name, definition in parse(CARRIED).kernels.items():
        kernel = definition.specialise({"T": ELEMENT_TYPES["f32"]}, {})
        dims = dict.fromkeys(kernel.signature.dimensions, 300)
        knobs[name] = {each.name for each in engine.tunables(kernel, dims, load_chip("trn2"))}
    assert {"stages.n", "stages.m"} <= knobs["carried"]
    assert "stages.n" in knobs["both"] and "stages.k" not in knobs["both"] and "stages.m" not in knobs["both"]
