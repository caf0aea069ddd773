"""Unrolled loops: sixteen steps keep three sets of buffers, and are as right and as fast as with sixteen."""

from __future__ import annotations

import random

import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.data import random_arguments
from tilery.backends.truth.reference import reference
from tilery.dsl import parse
from tilery.dsl.program import Program
from tilery.dsl.types import BF16

from ...machine.event_run import event_run

TEXTS = {
    "loads": (
        "kernel k(x: T[16, M, N], w: T[16, N]) -> y: f32[M, N]:\n"
        "    reference:\n"
        "        y[M, N] = sum[16](exp(x[index[16], M, N]) * w[index[16], N])\n"
        "    tile m of M, n of N:\n"
        "        acc = zeros[m, n]\n"
        "        for z in 0..16:\n"
        "            acc += exp(x[z, m, n]) * w[z, n]\n"
        "        y[m, n] = acc\n"
    ),
    "one from the other": (
        "kernel k(x: T[M, N] in 0..1) -> (y: f32[M, N], z: f32[M, N]):\n"
        "    tile m of M, n of N:\n"
        "        p = f32(x[m, n])\n"
        "        first = p * 2\n"
        "        acc = zeros[m, n]\n"
        "        for r in 0..16:\n"
        "            q = p * x[m, n] + first\n"
        "            acc += exp(q * 0.01) - p\n"
        "            p = q * 0.5\n"
        "        y[m, n] = acc\n"
        "        z[m, n] = first + p\n"
    ),
    "windows": (
        "kernel k(x: T[M, N]) -> y: f32[M, N]:\n"
        "    reference:\n"
        "        y[M, N] = sum[16](x[M, index[N] + index[16], else 0])\n"
        "    tile m of M, n of N:\n"
        "        acc = zeros[m, n]\n"
        "        for r in 0..16:\n"
        "            acc += x[m, n + r, else 0]\n"
        "        y[m, n] = acc\n"
    ),
}
DIMS = {"M": 150, "N": 200}


def kernel_of(name: str) -> Program:
    return parse(TEXTS[name]).kernels["k"].specialise({"T": BF16}, {})


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("chip", ["trn1", "trn2"])
def test_values_and_times(name: str, chip: str) -> None:
    kernel, on, draw = kernel_of(name), load_chip(chip), random.Random(name)
    arguments = random_arguments(kernel, DIMS, 1)
    plain = engine.execute(engine.lower(kernel, DIMS, on, {}), arguments)
    want = reference(kernel, DIMS, arguments) if kernel.reference else plain
    for seed in range(4):
        config = {each.name: draw.choice(each.values) for each in engine.tunables(kernel, DIMS, on)}
        try:
            program = engine.lower(kernel, DIMS, on, config)
        except engine.Infeasible:
            continue
        assert compare(kernel, DIMS, engine.execute(program, arguments, seed), want, arguments).ok
        assert latency_fs(program) == latency_fs(program, jump=False) == event_run(program)


@pytest.mark.parametrize(("name", "most"), [("loads", 2 + 5 * 3), ("one from the other", 6 + 5 * 3), ("windows", 2 + 2 * 3)])
def test_three_sets_of_buffers(name: str, most: int) -> None:
    """What stands once, and three of each that a step makes."""
    kernel = kernel_of(name)
    program = engine.lower(kernel, DIMS, load_chip("trn2"), {})
    assert len(program.structure.buffers) <= most, [str(each) for each in program.structure.buffers]
