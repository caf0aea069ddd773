"""Exact execution in other orders, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.data import Argument, random_arguments
from tilery.backends.engine.errors import EngineFault
from tilery.backends.engine.program import Loop, Node
from tilery.backends.tunable import Config

from .kernels import specialised

DIMS = {
    "matmul": {"M": 201, "K": 333, "N": 517},
    "softmax": {"M": 203, "N": 77},
    "rmsnorm": {"M": 171, "N": 101},
    "attention": {"H": 2, "S": 147, "L": 139, "D": 37},
    "linear_gelu": {"M": 77, "K": 141, "N": 303},
}


def lowered(name: str, chip: str = "trn2", choices: Config | None = None) -> tuple[engine.EngineProgram, dict[str, Argument]]:
    kernel = specialised(name, "f32", True if name == "attention" else None)
    target = load_chip(chip)
    config = {**engine.default_config(kernel, DIMS[name], target), **(choices or {})}
    return engine.lower(kernel, DIMS[name], target, config), random_arguments(kernel, DIMS[name], 0)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(DIMS)), st.integers(0, 10**6))
def test_the_order_of_independent_work_changes_nothing(name: str, seed: int) -> None:
    program, arguments = lowered(name)
    straight = engine.execute(program, arguments)
    again = engine.execute(program, arguments, shuffle=seed)
    for each in straight:
        np.testing.assert_array_equal(straight[each], again[each])


def rewritten(nodes: tuple[Node, ...], change: Callable[[Loop], Loop]) -> tuple[Node, ...]:
    def inside(loop: Loop) -> Loop:
        stages = tuple(replace(stage, body=rewritten(stage.body, change)) for stage in loop.stages)
        return change(replace(loop, stages=stages))

    return tuple(inside(each) if isinstance(each, Loop) else each for each in nodes)


@pytest.mark.parametrize("chip", ["trn1", "trn2"])
def test_adding_to_a_bank_that_no_matmul_started_is_refused(chip: str) -> None:
    """The accumulator is given out anew in every step of k, and so is undefined when the second step adds to it."""
    program, arguments = lowered("matmul", chip, {"m": 128, "n": 512, "k": 128, "accumulate.acc": "psum"})
    engine.execute(program, arguments)
    banks = [each for each in program.structure.buffers if each.memory == "psum"]

    def change(loop: Loop) -> Loop:
        if loop.axis.name != "k":
            return loop
        first, *rest = loop.stages
        return replace(loop, stages=(replace(first, allocates=(*first.allocates, *banks)), *rest))

    body = rewritten(program.structure.body, change)
    broken = replace(program, structure=replace(program.structure, body=body))
    with pytest.raises(EngineFault, match="none has started"):
        engine.execute(broken, arguments)
