"""Exact execution, fast emulation and the float64 reference agree, for every shipped kernel."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.data import random_arguments
from tilery.backends.truth.reference import reference
from tilery.backends.tunable import Choice, Tunable
from tilery.dsl.program import Program

from ..specialised import SHAPES, specialised, variants

CASES = [
    (name, dims, element, causal)
    for name, shapes in SHAPES.items()
    for dims in shapes
    for element in ("f32", "bf16")
    for causal in variants(name)
]


def check(kernel: Program, dims: dict[str, int], program: engine.EngineProgram, seed: int) -> None:
    """All three ways to the answer agree within the type's rounding."""
    arguments = random_arguments(kernel, dims, seed)
    want = reference(kernel, dims, arguments)
    exact = engine.execute(program, arguments)
    tiles = {each.axis.name: program.tile(each.axis) for each in kernel.loop_variables}
    fast = emulator.compile(kernel, dims, tiles)(arguments)
    for got in (exact, fast):
        assert all(np.isfinite(np.asarray(each, np.float64)).all() for each in got.values())
        assert compare(kernel, dims, got, want, arguments).ok
    as_float64 = {name: np.asarray(each, np.float64) for name, each in fast.items()}
    apart = compare(kernel, dims, exact, as_float64, arguments)
    # Both are within the tolerance of the same numbers, on either side.
    assert apart.max_error <= 2 * apart.tolerance


@pytest.mark.parametrize("chip", ["trn1", "trn2"])
@pytest.mark.parametrize(("name", "dims", "element", "causal"), CASES)
def test_default_configuration(name: str, dims: dict[str, int], element: str, causal: bool | None, chip: str) -> None:
    kernel = specialised(name, element, causal)
    config = engine.default_config(kernel, dims, load_chip(chip))
    check(kernel, dims, engine.lower(kernel, dims, load_chip(chip), config), 1)


def drawn(space: tuple[Tunable, ...], generator: random.Random) -> dict[str, Choice]:
    """A random configuration; tile sizes also where the space has none, so that every edge is ragged."""
    return {each.name: generator.randint(1, 300) if each.kind == "tile" else generator.choice(each.values) for each in space}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(SHAPES)),
    element=st.sampled_from(["f32", "bf16"]),
    chip=st.sampled_from(["trn1", "trn2"]),
    causal=st.booleans(),
    extents=st.lists(st.integers(1, 260), min_size=4, max_size=4),
    seed=st.integers(0, 2**16),
)
def test_any_shape_tiles_and_buffers(name: str, element: str, chip: str, causal: bool, extents: list[int], seed: int) -> None:
    kernel = specialised(name, element, causal if name == "attention" else None)
    dims = dict(zip(kernel.signature.dimensions, extents, strict=False))
    dims |= {"H": 1 + dims["H"] % 3} if "H" in dims else {}
    target = load_chip(chip)
    config = drawn(engine.tunables(kernel, dims, target), random.Random(seed))
    # Tiles of a handful of rows make thousands of steps: slow here, and no different from tiles of a few dozen.
    for variable in kernel.loop_variables:
        axis = variable.axis
        if not axis.unit:
            config[axis.name] = max(int(config[axis.name]), -(-dims[str(axis.size)] // 6))
    try:
        program = engine.lower(kernel, dims, target, config)
    except engine.Infeasible:
        assume(False)
    check(kernel, dims, program, seed)


TURNED = {"matmul": ["a"], "linear_gelu": ["x"], "attention": ["q", "k", "cast"]}


@pytest.mark.parametrize("chip", ["trn1", "trn2"])
@pytest.mark.parametrize("name", sorted(TURNED))
@pytest.mark.parametrize("ragged", [False, True])
def test_turned_by_the_vector_engine(name: str, chip: str, ragged: bool) -> None:
    kernel = specialised(name, "bf16", True if name == "attention" else None)
    dims, target = SHAPES[name][-1 if ragged else 0], load_chip(chip)
    config = engine.default_config(kernel, dims, target) | {f"transpose.{each}": "vector" for each in TURNED[name]}
    program = engine.lower(kernel, dims, target, config)
    turned = [node for _, node in program.structure.instructions() if node.form == "transpose"]
    assert len(turned) >= len(TURNED[name])
    assert {node.queue for node in turned} == {"vector"}
    check(kernel, dims, program, 3)


def test_the_vector_engine_is_searched_for_small_tiles_only() -> None:
    kernel, chip = specialised("matmul", "bf16"), load_chip("trn2")
    small = {each.name: each for each in engine.tunables(kernel, {"M": 32, "K": 20, "N": 900}, chip)}
    large = {each.name: each for each in engine.tunables(kernel, {"M": 33, "K": 20, "N": 900}, chip)}
    assert small["transpose.a"].values == ("tensor", "dma", "vector")
    assert large["transpose.a"].values == ("tensor", "dma")
    assert "no `vector`" in " ".join(large["transpose.a"].reasons)


def test_the_pick_around_a_given_option_that_is_not_searched() -> None:
    kernel, chip, dims = specialised("matmul", "bf16"), load_chip("trn2"), {"M": 256, "K": 256, "N": 256}
    config = engine.default_config(kernel, dims, chip, {"transpose.a": "vector"})
    assert config["transpose.a"] == "vector"
    program = engine.lower(kernel, dims, chip, config)
    assert any(node.form == "transpose" and node.queue == "vector" for _, node in program.structure.instructions())
