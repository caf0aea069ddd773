"""Functions of the prelude against float64, in units of the last place, over all of f32; the bounds stand in docs/accuracy.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf
from pathlib import Path

import numpy as np
import pytest
from scipy.special import erfc

from tilery import dsl
from tilery.backends import emulator

from .test_functions import Floats, Wide, drawn, units

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `(\w+)\(x\)` \| (no bound|[\d.]+) \| ([\d.]+) \| ([\d.]+) \|", re.M)
BOUNDS = {
    name: (inf if everywhere == "no bound" else float(everywhere), float(above), float(scaled))
    for name, everywhere, above, scaled in ROW.findall((ROOT / "docs" / "accuracy.md").read_text())
}
"""Units in the last place by function: everywhere, from -1 up, and of the larger of x and the result."""


def sigmoid(x: Wide) -> Wide:
    return np.asarray(np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))))


def softplus(x: Wide) -> Wide:
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


def hardsigmoid(x: Wide) -> Wide:
    return np.asarray(np.clip(x / 6 + 0.5, 0, 1))


TRUTH: dict[str, Callable[[Wide], Wide]] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: np.asarray(0.5 * x * erfc(-x / np.sqrt(2))),
    "gelu_tanh": lambda x: x * sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)),
    "quick_gelu": lambda x: x * sigmoid(1.702 * x),
    "softplus": softplus,
    "mish": lambda x: x * np.tanh(softplus(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hardsigmoid": hardsigmoid,
    "hardswish": lambda x: x * hardsigmoid(x),
    "square": lambda x: x * x,
}
"""Written so that nothing cancels in float64 either."""


def numbers() -> Floats:
    rng = np.random.default_rng(1)
    return np.concatenate([drawn(0), *(rng.uniform(-end, end, 1 << 19).astype(np.float32) for end in (10, 100))])


def computed(fn: str, x: Floats) -> Floats:
    (definition,) = dsl.parse(
        f"kernel k(x: f32[N]) -> y: f32[N]:\n    tile n of N:\n        y[n] = {fn}(x[n])\n"
    ).kernels.values()
    call = emulator.compile(definition.specialise({}, {}), {"N": x.size}, {"n": 4096})
    return call({"x": x})["y"]


def test_the_table_has_every_function() -> None:
    named = re.findall(r"^fn (\w+)\(", (ROOT / "dsl" / "prelude.tk").read_text(), re.M)
    assert set(named) == set(TRUTH) == set(BOUNDS)


@pytest.mark.parametrize("fn", TRUTH)
def test_bounds_over_all_of_f32(fn: str) -> None:
    x = numbers()
    with np.errstate(all="ignore"):
        got, want = computed(fn, x), TRUTH[fn](x.astype(np.float64))
        errors = units(got, want)
        larger = np.maximum(np.abs(want), np.abs(x))
        step = np.spacing(np.minimum(larger, 3e38).astype(np.float32)).astype(np.float64)
        scaled = np.where(errors <= 0.5, 0.0, np.abs(got - want) / step)
    everywhere, above, on_scale = BOUNDS[fn]
    for bound, found in ((everywhere, errors), (above, np.where(x < -1, 0.0, errors)), (on_scale, scaled)):
        worst = int(np.argmax(found))
        assert found[worst] <= bound, (float(x[worst]), float(got[worst]), float(want[worst]))


def test_no_bound_is_said_of_what_has_one() -> None:
    """Where the table names none, there is none worth the name."""
    x = numbers()
    for fn in (name for name, (everywhere, _, _) in BOUNDS.items() if everywhere == inf):
        with np.errstate(all="ignore"):
            assert units(computed(fn, x), TRUTH[fn](x.astype(np.float64))).max() > 1000
