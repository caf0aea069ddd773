"""What the chip's memory is like: unwritten parts show, and nothing beyond a tensor is read or written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.emulator import step_through
from tilery.backends.machine.engine_program import Instruction, Loop, Node
from tilery.backends.operations import numerics
from tilery.backends.operations.numerics import Array
from tilery.backends.truth.data import Argument, random_arguments
from tilery.dsl.program import Program

from ..specialised import specialised

DIMS = {
    "matmul": {"M": 37, "K": 45, "N": 29},
    "softmax": {"M": 43, "N": 31},
    "rmsnorm": {"M": 41, "N": 33},
    "attention": {"H": 2, "S": 27, "L": 25, "D": 9},
    "linear_gelu": {"M": 31, "K": 35, "N": 27},
}
MARGIN = 3


def kernel_of(name: str, element: str) -> Program:
    return specialised(name, element, True if name == "attention" else None)


def lowered(kernel: Program, name: str, chip: str) -> engine.EngineProgram:
    target = load_chip(chip)
    tiles = {each.axis.name: 16 for each in kernel.loop_variables if not each.axis.unit}
    return engine.lower(kernel, DIMS[name], target, engine.default_config(kernel, DIMS[name], target, tiles))


def without(nodes: tuple[Node, ...], name: str) -> tuple[Node, ...]:
    """The nodes without the instruction of this name."""

    def inside(loop: Loop) -> Loop:
        return replace(loop, stages=tuple(replace(stage, body=without(stage.body, name)) for stage in loop.stages))

    kept = (each for each in nodes if not (isinstance(each, Instruction) and each.name == name))
    return tuple(inside(each) if isinstance(each, Loop) else each for each in kept)


@pytest.mark.parametrize("chip", ["trn1", "trn2"])
@pytest.mark.parametrize(("name", "missing"), [("matmul", "load b"), ("softmax", "load x"), ("attention", "load v")])
def test_memory_that_nothing_has_written_is_nan(name: str, missing: str, chip: str) -> None:
    kernel = kernel_of(name, "f32")
    program = lowered(kernel, name, chip)
    body = without(program.structure.body, missing)
    assert body != program.structure.body
    broken = replace(program, structure=replace(program.structure, body=body))
    (result,) = engine.execute(broken, random_arguments(kernel, DIMS[name], 0)).values()
    assert np.isnan(result).all()


def surrounded(array: Argument) -> Argument:
    """The same numbers as part of a larger array whose other elements are NaN."""
    if not isinstance(array, np.ndarray):
        return array
    wide = np.full([each + 2 * MARGIN for each in array.shape], np.nan, array.dtype)
    part: Array = wide[tuple(slice(MARGIN, MARGIN + each) for each in array.shape)]
    part[...] = array
    return part


@pytest.mark.parametrize("name", sorted(DIMS))
@pytest.mark.parametrize("element", ["f32", "bf16"])
def test_nothing_outside_the_arguments_is_read(name: str, element: str) -> None:
    """By no way of running, with tiles that do not divide the sizes."""
    kernel, dims = kernel_of(name, element), DIMS[name]
    arguments = random_arguments(kernel, dims, 0)
    inside = {each: surrounded(array) for each, array in arguments.items()}
    program = lowered(kernel, name, "trn2")
    tiles = emulator.tile_sizes(kernel, dims, {each.axis.name: 1 if each.axis.unit else 16 for each in kernel.loop_variables})
    for run in (
        lambda given: engine.execute(program, given),
        lambda given: step_through(kernel, dims, tiles, given),
        emulator.compile(kernel, dims, tiles),
    ):
        for (_, want), (_, got) in zip(run(arguments).items(), run(inside).items(), strict=True):
            assert np.isfinite(want.astype(np.float32)).all()
            np.testing.assert_allclose(got.astype(np.float32), want.astype(np.float32), rtol=0, atol=0.01)


@pytest.mark.parametrize("name", sorted(DIMS))
@pytest.mark.parametrize("element", ["f32", "bf16"])
def test_nothing_outside_the_results_is_written(name: str, element: str) -> None:
    kernel, dims = kernel_of(name, element), DIMS[name]
    tiles = {each.axis.name: 1 if each.axis.unit else 16 for each in kernel.loop_variables}
    emulation = emulator.compile(kernel, dims, tiles)
    (tensor,) = kernel.signature.results
    wide = np.full([each + 2 * MARGIN for each in emulation.shapes[tensor.name]], 77, numerics.numpy_dtype(tensor.element))
    part = wide[tuple(slice(MARGIN, -MARGIN) for _ in wide.shape)]
    emulation(random_arguments(kernel, dims, 0), {tensor.name: part})
    assert not (part == 77).any()
    part[...] = 77
    assert (wide == 77).all()
