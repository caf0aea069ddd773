"""Exact execution in other orders, and what it refuses."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.engine_program import Loop, Node
from tilery.backends.machine.errors import EngineFault
from tilery.backends.machine.execute import disorder
from tilery.backends.truth.data import Argument, random_arguments
from tilery.backends.tunable import Config
from tilery.dsl import parse

from ..specialised import specialised

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


RECURRENCE = """
kernel recurrence(a: f32[S, D], b: f32[S, D]) -> (y: f32[S, D], top: f32[D]):
    tile d of D:
        h = zeros[d]
        most = full[d](-1000.0)
        for s of S by 1:
            h = a[s, d] * h + b[s, d]
            y[s, d] = h
            most = max(most * 0.5, h)
        top[d] = most
"""


def recurrence() -> tuple[engine.EngineProgram, dict[str, Argument]]:
    (definition,) = parse(RECURRENCE).kernels.values()
    kernel, dims, target = definition.specialise({}, {}), {"S": 9, "D": 40}, load_chip("trn2")
    program = engine.lower(kernel, dims, target, engine.default_config(kernel, dims, target))
    return program, random_arguments(kernel, dims, 0)


def test_steps_that_depend_on_each_other_stay_in_order() -> None:
    program, arguments = recurrence()
    straight = engine.execute(program, arguments)
    for seed in range(8):
        again = engine.execute(program, arguments, shuffle=seed)
        for each in straight:
            np.testing.assert_array_equal(straight[each], again[each])


def test_an_order_against_the_dependences_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the tests above would see one."""
    program, arguments = recurrence()
    straight = engine.execute(program, arguments)
    monkeypatch.setattr(disorder.Touched, "bars", lambda self, other: False)
    changed = [engine.execute(program, arguments, shuffle=seed) for seed in range(4)]
    assert any(not np.array_equal(straight["y"], each["y"], equal_nan=True) for each in changed)


def test_work_of_later_steps_comes_before_work_of_earlier_ones() -> None:
    """Loads run ahead, no further than there are slots; and the stages of a step stay apart from those of others."""
    program, _ = lowered("attention", choices={"stages.j": 2})
    loops = [loop for around, _ in program.structure.instructions() for loop in around]
    loop = next(each for each in loops if each.axis.name == "j" and len(each.stages) == 2)
    order = list(disorder.interleaved(loop, 6, program.slots, random.Random(1)))
    assert sorted(step for step, _ in order) == sorted(step for step in range(6) for _ in loop.body)
    assert order != list(disorder._in_order(loop, 6))
    for step in range(6):
        stages = [
            number for done, node in order if done == step for number, stage in enumerate(loop.stages) if node in stage.body
        ]
        assert {*stages} == {0, 1}
    place = {(step, node): number for number, (step, node) in enumerate(order)}
    for buffer in loop.allocates:
        users = [node for node in loop.body if buffer in (*node.reads_from, *node.writes_to)]
        for step in range(program.slots(buffer), 6):
            before = max(place[step - program.slots(buffer), node] for node in users)
            assert before < min(place[step, node] for node in users)


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
