"""`exp(x - b)` is an activation that adds its bias: whoever has `b` has to leave it negated, wherever it comes from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.data import random_arguments
from tilery.backends.truth.reference import reference
from tilery.dsl import load, parse
from tilery.dsl.types import ELEMENT_TYPES

HEAD = "kernel f(x: f32[M, N], w: f32[M], u: f32[M]) -> y: f32[M, N]:\n"
KERNELS = {
    "loaded": "    tile m of M:\n        y[m, N] = exp(x[m, N] - w[m])\n",
    "loaded, read twice": "    tile m of M:\n        y[m, N] = exp(x[m, N] - w[m]) * w[m]\n",
    "loaded outside a loop": (
        "    tile m of M:\n        b = w[m]\n        for n of N by 64:\n            y[m, n] = exp(x[m, n] - b)\n"
    ),
    "computed outside a loop": (
        "    tile m of M:\n        b = w[m] * 2\n        for n of N by 64:\n            y[m, n] = exp(x[m, n] - b)\n"
    ),
    "a difference outside a loop": (
        "    tile m of M:\n        b = w[m] - u[m]\n        for n of N by 64:\n            y[m, n] = exp(x[m, n] - b)\n"
    ),
    "a maximum": "    tile m of M:\n        y[m, N] = exp(x[m, N] - max[N](x[m, N]))\n",
    "a maximum outside a loop": (
        "    tile m of M:\n        b = max[N](x[m, N])\n        for n of N by 64:\n            y[m, n] = exp(x[m, n] - b)\n"
    ),
    "carried": (
        "    tile m of M:\n        b = zeros[m]\n        for n of N by 64:\n            b = b + sum[n](x[m, n]) * 0.1\n"
        "            y[m, n] = exp(x[m, n] - b)\n"
    ),
    "carried alone": (
        "    tile m of M:\n        b = zeros[m]\n        for n of N by 64:\n            y[m, n] = exp(x[m, n] - b)\n"
        "            b = w[m] - u[m]\n"
    ),
    "computed by a function": "    tile m of M:\n        y[m, N] = exp(x[m, N] - tanh(w[m]))\n",
    "scaled first": "    tile m of M:\n        y[m, N] = exp(x[m, N] * 0.5 - w[m])\n",
    "a cast": "    tile m of M:\n        y[m, N] = exp(x[m, N] - f32(bf16(w[m])))\n",
    "two readers": "    tile m of M:\n        b = w[m] * u[m]\n        y[m, N] = exp(x[m, N] - b) + sigmoid(x[m, N] - b)\n",
}


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
@pytest.mark.parametrize("name", KERNELS)
def test_what_an_activation_subtracts_is_subtracted(name: str, chip: str) -> None:
    ((_, definition),) = parse(HEAD + KERNELS[name]).kernels.items()
    kernel, dims = definition.specialise({}, {}), {"M": 150, "N": 192}
    arguments = random_arguments(kernel, dims, 0)
    program = engine.lower(kernel, dims, load_chip(chip), {"m": 128})
    exact = engine.execute(program, arguments)
    fast = emulator.compile(kernel, dims, {each.axis.name: program.tile(each.axis) for each in kernel.loop_variables})(arguments)
    np.testing.assert_allclose(exact["y"], fast["y"], rtol=3e-6, atol=1e-6)


def test_attention_backward_is_right_as_it_is_picked() -> None:
    path = Path(__file__).parents[1] / "tuner" / "heavy" / "attention_backward.tk"
    kernel = load(path).kernels["attention_backward"].specialise({"T": ELEMENT_TYPES["bf16"]}, {})
    dims, chip = {"H": 1, "S": 128, "L": 128, "D": 128}, load_chip("trn2")
    arguments = random_arguments(kernel, dims, 0)
    program = engine.lower(kernel, dims, chip, engine.default_config(kernel, dims, chip))
    assert compare(kernel, dims, engine.execute(program, arguments), reference(kernel, dims, arguments), arguments).ok
