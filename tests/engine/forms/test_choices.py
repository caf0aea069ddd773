"""Whatever a kernel's knobs are set to, its results are the same: every structure of small kernels, on every chip."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random

import numpy as np
import pytest

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.truth.data import random_arguments
from tilery.backends.tunable import Choice, Tunable
from tilery.dsl import parse

HEAD = "kernel f(x: f32[M, N], w: f32[M], c: f32) -> y: f32[M, N]:\n    tile m of M:\n"
KERNELS = {
    "a maximum in passing": "        s = x[m, N] * c\n        y[m, N] = s - max[N](s)\n",
    "a minimum in passing": "        s = x[m, N] + w[m]\n        y[m, N] = s * min[N](s)\n",
    "a sum in passing": "        s = x[m, N] - w[m]\n        y[m, N] = s * sum[N](s)\n",
    "a sum alone": "        y[m, N] = x[m, N] * sum[N](x[m, N] * c)\n",
    "a maximum that is subtracted": "        s = x[m, N] * c\n        e = exp(s - max[N](s))\n        y[m, N] = e / sum[N](e)\n",
    "an operation that only the vector engine has": "        s = max(x[m, N], w[m])\n        y[m, N] = s + sum[N](s)\n",
    "two operations": "        s = x[m, N] * c + w[m]\n        y[m, N] = s + max[N](s)\n",
    "a select by positions": "        for n of N by 6:\n            y[m, n] = where(n <= m, x[m, n], c)\n",
    "a select and its maximum": (
        "        s = where(index[N] < 7 and index[N] > m - 3, x[m, N], c)\n        y[m, N] = s - max[N](s)\n"
    ),
    "a mask of data": "        s = where(x[m, N] > w[m], x[m, N], c)\n        y[m, N] = s - max[N](s)\n",
    "a sum and a cast": "        s = x[m, N] * c\n        y[m, N] = f32(bf16(s)) * sum[N](s)\n",
}


KINDS = ("fuse", "engine", "hoist", "transpose")
MOST = 12


def structures(tunables: tuple[Tunable, ...]) -> Iterator[dict[str, Choice]]:
    """Combinations of what instructions do and which engines they take: all, or some that are spread among them."""
    knobs = [each for each in tunables if each.name.partition(".")[0] in KINDS]
    every = list(product(*(each.values for each in knobs)))
    for values in every if len(every) <= MOST else Random(0).sample(every, MOST):
        yield dict(zip((each.name for each in knobs), values, strict=True))


@pytest.mark.parametrize("way", ["tensor", "dma", "vector"])
def test_a_computed_tile_is_turned_by_every_engine(way: str) -> None:
    text = (
        "kernel f(x: f32[M, K], w: bf16[K, N]) -> y: f32[M, N]:\n    tile m of M:\n        for n of N by 64:\n"
        "            y[m, n] = bf16(exp(x[m, K])) @ w[K, n]\n"
    )
    ((_, definition),) = parse(text).kernels.items()
    kernel, dims, target = definition.specialise({}, {}), {"M": 150, "K": 140, "N": 100}, load_chip("trn2")
    arguments = random_arguments(kernel, dims, 0)
    (expected,) = emulator.compile(kernel, dims, {"m": 128, "n": 64})(arguments).values()
    program = engine.lower(kernel, dims, target, {"m": 128, "n": 64, "transpose.cast": way})
    (found,) = engine.execute(program, arguments, shuffle=1).values()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    queues = {node.engine for _, node in program.structure.instructions() if node.form == "transpose"}
    assert queues == {way}


def test_a_tile_that_a_loop_has_turned_is_turned_again_in_the_next() -> None:
    """The buffer of the first loop is gone after it, and nothing was ever in it if that loop takes no step."""
    lines = (
        "s = bf16(q[m, D] * 2)",
        "for n of N by 64:",
        "    y[m, n] = s @ k[D, n]",
        "for n of N by 64:",
        "    z[m, n] = s @ k[D, n]",
    )
    head = "kernel f(q: f32[M, D], k: bf16[D, N]) -> (y: f32[M, N], z: f32[M, N]):\n    tile m of M:\n"
    ((_, definition),) = parse(head + "".join(f"        {each}\n" for each in lines)).kernels.items()
    program = engine.lower(definition.specialise({}, {}), {"M": 128, "D": 64, "N": 128}, load_chip("trn1"), {"m": 128})
    assert sum(node.form == "transpose" for _, node in program.structure.instructions()) == 2


def test_trn1_turns_no_tile_on_the_chip_by_dma() -> None:
    ((_, definition),) = parse(
        "kernel f(x: bf16[M, N]) -> y: bf16[N, M]:\n    tile m of M, n of N:\n        y[n, m] = x[m, n]\n"
    ).kernels.items()
    space = {
        each.name: each
        for each in engine.tunables(definition.specialise({}, {}), {"M": 256, "N": 256}, load_chip("trn1"), settable=True)
    }
    assert space["transpose.load"].values == ("tensor", "vector")


@pytest.mark.parametrize("chip", ["trn1", "trn2"])
@pytest.mark.parametrize("name", KERNELS)
def test_every_structure_gives_the_same(name: str, chip: str) -> None:
    ((_, definition),) = parse(HEAD + KERNELS[name]).kernels.items()
    kernel, dims, target = definition.specialise({}, {}), {"M": 130, "N": 12}, load_chip(chip)
    arguments = random_arguments(kernel, dims, 0)
    (expected,) = emulator.compile(kernel, dims, {"m": 128})(arguments).values()
    tunables = engine.tunables(kernel, dims, target, settable=True)
    rows = {each.name: "rows" for each in tunables if each.name.startswith("layout.")}
    chosen = list(structures(tunables))
    assert len(chosen) > 1
    for each in chosen:
        config = {"m": 128, **rows, **each}
        (found,) = engine.execute(engine.lower(kernel, dims, target, config), arguments).values()
        np.testing.assert_allclose(found, expected, rtol=3e-6, atol=1e-6, err_msg=str(each))
