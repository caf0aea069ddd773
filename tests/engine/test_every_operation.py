"""Every operation x element type x place of its axis x chip lowers, times and executes right, or says why the chip cannot."""

from __future__ import annotations

from collections import Counter

import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.dsl import parse
from tilery.dsl.types import ELEMENT_TYPES

from .every_operation import kernels
from .sweep import CHIPS, outcome

ONE_IN = 6
"""The suite takes each sixth kernel, on a chip in turn; `python -m tests.engine.sweep` takes all of them on all chips."""


@pytest.mark.parametrize("element", ELEMENT_TYPES)
def test_a_sixth_of_the_sweep(element: str) -> None:
    found: Counter[str] = Counter()
    start = list(ELEMENT_TYPES).index(element)
    chips = ("trn3",) if element == "f8e4m3fn" else CHIPS  # others have it not
    for place, (_, kernel) in enumerate(list(kernels((element,)))[start % ONE_IN :: ONE_IN]):
        found[outcome(kernel, load_chip(chips[(place + start) % len(chips)]), place)] += 1
    assert found["ran"] > 6, found


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("fn", ["max", "sum", "argmin"])
def test_integers_are_reduced_over_a_leading_axis(fn: str, chip: str) -> None:
    """They were `KeyError: 'i8'`: the tensor engine does not multiply what it had to turn."""
    found = {
        label: outcome(kernel, load_chip(chip)) for label, kernel in kernels(("i8", "i32")) if label.startswith(f"{fn} lead")
    }
    # The NPU of the example has one elementwise engine, which transposes nothing, and no float type holds 32 bits.
    last = "cannot lower" if chip.endswith("npu16.toml") else "ran"
    assert found == {f"{fn} leading i8": "ran", f"{fn} leading i32": last}


def test_a_refusal_says_what_to_write() -> None:
    text = "kernel f(x: i32[P, N]) -> y: i32[N]:\n    tile n of N:\n        y[n] = max[P](x[P, n])\n"
    kernel = parse(text).kernels["f"].specialise({}, {})
    with pytest.raises(engine.CannotLower) as caught:
        engine.default_config(kernel, {"P": 100, "N": 100}, load_chip(CHIPS[-1]))
    assert "nothing there transposes i32" in str(caught.value)
    assert "help: store the tensor with its last two axes exchanged" in str(caught.value)


def test_what_the_vector_engine_alone_knows_is_used() -> None:
    """A chip without a scalar engine was said to lack `reciprocal`, which its vector engine has."""
    names = {
        label: outcome(kernel, load_chip(CHIPS[-1]))
        for label, kernel in kernels(("f32",))
        if label in ("reciprocal f32", "div f32")
    }
    assert names == {"reciprocal f32": "ran", "div f32": "ran"}
