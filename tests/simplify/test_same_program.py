"""One kernel written in several ways: the same engine program, the same latency, the same bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.truth.data import random_arguments
from tilery.backends.tunable import Choice
from tilery.dsl import parse
from tilery.dsl.program import Program

LAYERNORM_ON_PAPER = """
kernel k(x: f32[M, N]) -> y: f32[M, N]:
    tile m of M:
        var = mean[N]((x[m, N] - mean[N](x[m, N])) * (x[m, N] - mean[N](x[m, N])))
        y[m, N] = (x[m, N] - mean[N](x[m, N])) * rsqrt(var + 0.001)
"""
LAYERNORM_WITH_NAMES = """
kernel k(x: f32[M, N]) -> y: f32[M, N]:
    tile m of M:
        row = x[m, N]
        away = row - mean[N](row)
        y[m, N] = away * rsqrt(mean[N](away * away) + 0.001)
"""
INSIDE = """
kernel k(x: f32[M, N], w: f32[M, K]) -> y: f32[M, N]:
    tile m of M:
        for n of N:
            y[m, n] = x[m, n] * sum[K](exp(w[m, K]))
"""
BEFORE = """
kernel k(x: f32[M, N], w: f32[M, K]) -> y: f32[M, N]:
    tile m of M:
        total = sum[K](exp(w[m, K]))
        for n of N:
            y[m, n] = x[m, n] * total
"""
MASKS = """
kernel k(x: f32[M, N]) -> (y: f32[M, N], z: f32[M, N]):
    tile m of M, n of N:
        y[m, n] = where(n <= m, x[m, n], 0)
        z[m, n] = where(n <= m, exp(x[m, n]), 0)
"""
MASKS_NAMED = """
kernel k(x: f32[M, N]) -> (y: f32[M, N], z: f32[M, N]):
    tile m of M, n of N:
        near = n <= m
        y[m, n] = where(near, x[m, n], 0)
        z[m, n] = where(near, exp(x[m, n]), 0)
"""
SCALED = """
kernel k(x: f32[M, N], s: f32[M]) -> (y: f32[M, N], z: f32[M, N]):
    tile m of M, n of N:
        y[m, n] = exp(x[m, n] * s[m])
        z[m, n] = tanh(x[m, n] * s[m])
"""
SCALED_NAMED = """
kernel k(x: f32[M, N], s: f32[M]) -> (y: f32[M, N], z: f32[M, N]):
    tile m of M, n of N:
        a = x[m, n] * s[m]
        y[m, n] = exp(a)
        z[m, n] = tanh(a)
"""
PAIRS = {
    "layernorm": (LAYERNORM_ON_PAPER, LAYERNORM_WITH_NAMES),
    "invariant": (INSIDE, BEFORE),
    "masks": (MASKS, MASKS_NAMED),
    "scaled": (SCALED, SCALED_NAMED),
}
DIMS = {"M": 300, "N": 200, "K": 70}


def kernel(text: str) -> Program:
    return parse(text).kernels["k"].specialise({}, {})


def instructions(one: Program, dims: Mapping[str, int], chip: str) -> list[str]:
    """The queue and the form of every instruction of the default configuration, in order."""
    structure = engine.lower(one, dims, load_chip(chip), {}).structure
    return [f"{each.queue} {each.form}" for _, each in structure.instructions()]


def latency(one: Program, dims: Mapping[str, int], chip: str) -> float:
    return engine.simulate(engine.lower(one, dims, load_chip(chip), {})).latency_us


def picked(one: Program, dims: Mapping[str, int], chip: str) -> tuple[list[tuple[object, ...]], list[Choice], float]:
    """The choices of every knob, the model's pick, and its latency, all without the names of knobs."""
    space = engine.tunables(one, dims, load_chip(chip))
    pick = engine.default_config(one, dims, load_chip(chip))
    lowered = engine.lower(one, dims, load_chip(chip), pick)
    choices: list[tuple[object, ...]] = [(each.kind, each.values, each.default) for each in space]
    return choices, [pick[each.name] for each in space], engine.simulate(lowered).latency_us


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
@pytest.mark.parametrize("name", PAIRS)
def test_two_ways_to_write_a_kernel_have_the_same_pick(name: str, chip: str) -> None:
    one, other = map(kernel, PAIRS[name])
    dims = {"M": 4096, "N": 2048, "K": 512}
    assert picked(one, dims, chip) == picked(other, dims, chip)


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
@pytest.mark.parametrize("name", PAIRS)
def test_two_ways_to_write_a_kernel_take_the_same_time(name: str, chip: str) -> None:
    one, other = map(kernel, PAIRS[name])
    assert instructions(one, DIMS, chip) == instructions(other, DIMS, chip)
    assert latency(one, DIMS, chip) == latency(other, DIMS, chip)


def test_an_operation_that_is_done_in_passing_stays_in_its_loop() -> None:
    """`x * (w + 1)` is one instruction, which reads w; w + 1 kept would be read at half the speed."""
    text = "kernel k(x: bf16[M, N], w: bf16[N]) -> y: bf16[M, N]:\n    tile m of M:\n        y[m, N] = x[m, N] * (w[N] + 1)\n"
    assert len(instructions(kernel(text), DIMS, "trn3")) == 4


@dataclass(frozen=True)
class Written:
    """One kernel, written with names, with the names replaced by what they stand for, and with invariants inside the loop."""

    named: str
    in_place: str
    inside: str


HEAD = "kernel k(x: f32[M, N], w: f32[M, K]) -> y: f32[M, N]:\n    tile m of M:\n"
STEPS = ("exp({} * 0.25)", "tanh({})", "{0} * {0}", "abs({}) + 1.5", "sigmoid({})", "{} - 0.5", "max({}, 0)")
JOINS = ("{} + {}", "{} * {}", "{} - {}", "max({}, {})")


@st.composite
def written(draw: st.DrawFn) -> Written:
    row = draw(st.sampled_from(("sum", "max", "mean"))) + "[K]({})"
    inner = draw(st.sampled_from(STEPS)).format("w[m, K]")
    if draw(st.booleans()):
        inner = draw(st.sampled_from(JOINS)).format(inner, draw(st.sampled_from(STEPS)).format("w[m, K]"))
    total = row.format(inner)
    twice = draw(st.sampled_from(STEPS)).format("total")
    tile = draw(st.sampled_from(STEPS)).format("x[m, n]")
    value = draw(st.sampled_from(JOINS)).format(f"({draw(st.sampled_from(JOINS)).format('piece', 'row')})", "piece")
    loop = "        for n of N:\n"
    named = (
        f"{HEAD}        total = {total}\n        row = {twice}\n{loop}            piece = {tile}\n            y[m, n] = {value}\n"
    )
    spelt = value.replace("piece", f"({tile})").replace("row", f"({twice})").replace("total", f"({total})")
    in_place = f"{HEAD}{loop}            y[m, n] = {spelt}\n"
    lines = (f"total = {total}", f"row = {twice}", f"piece = {tile}", f"y[m, n] = {value}")
    inside = HEAD + loop + "".join(f"            {each}\n" for each in lines)
    return Written(named, in_place, inside)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written(), st.sampled_from(["trn1", "trn2", "trn3"]))
def test_names_and_places_change_no_pick(text: Written, chip: str) -> None:
    dims = {"M": 500, "N": 600, "K": 700}
    first, *others = [picked(kernel(each), dims, chip) for each in (text.named, text.in_place, text.inside)]
    assert all(each == first for each in others)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written(), st.sampled_from(["trn1", "trn2", "trn3"]))
def test_names_and_places_change_neither_time_nor_bits(text: Written, chip: str) -> None:
    kernels = [kernel(each) for each in (text.named, text.in_place, text.inside)]
    dims = {"M": 140, "N": 37, "K": 21}
    assert len({latency(each, dims, chip) for each in kernels}) == 1
    arguments = random_arguments(kernels[0], dims, seed=1)
    tiles = {"m": 64, "n": 16}
    fast = [emulator.compile(each, dims, tiles)(arguments)["y"] for each in kernels]
    program = [engine.lower(each, dims, load_chip(chip), tiles) for each in kernels]
    exact = [engine.execute(each, arguments)["y"] for each in program]
    for values in (fast, exact):
        assert all(np.array_equal(values[0], each, equal_nan=True) for each in values[1:])
