"""Every instruction's record says all of it: held against the program's own operations, one by one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.engine_program import Buffer, Compute, EngineProgram, Operand
from tilery.backends.machine.execute.evaluate import evaluate, names
from tilery.backends.machine.listing import print_engine_program
from tilery.backends.operations import numerics
from tilery.backends.operations.numerics import Array
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.trainium.instructions import Activation, AffineSelect, TensorReduce, TensorScalar
from tilery.backends.trainium.lowering import computes
from tilery.backends.trainium.lowering.builder import Builder
from tilery.backends.trainium.lowering.lower import Lowering
from tilery.backends.trainium.lowering.select import Group
from tilery.dsl import load, parse
from tilery.dsl.program import Axis, Program, Value
from tilery.dsl.types import BF16, ELEMENT_TYPES

from ..engine.drawn import drawn_kernel
from ..engine.every_operation import kernels

KERNELS = Path(__file__).parents[2]
EXTENT = 6

Emitted = tuple[Group, tuple[Compute, ...], Builder]


def files() -> Iterator[tuple[str, Program]]:
    for path in sorted([*(KERNELS / "kernels").glob("*.tk"), *(KERNELS / "tests" / "kernels").rglob("*.tk")]):
        for name, definition in load(path).kernels.items():
            yield name, definition.specialise({"T": BF16} if "T" in definition.signature.type_variables else {}, {})


def emitted(kernel: Program, chip: str, monkeypatch: pytest.MonkeyPatch) -> list[Emitted]:
    """The groups of a lowering, with the instructions that they become before their operands have buffers."""
    found: list[Emitted] = []
    original = computes._emit

    def noting(builder: Builder, group: Group, instructions: tuple[Compute, ...], results: list[Value], blocks: Any) -> None:
        found.append((group, instructions, builder))
        original(builder, group, instructions, results, blocks)

    monkeypatch.setattr(computes, "_emit", noting)
    try:
        Lowering(kernel, trainium(load_chip(chip))).structure({})
    except engine.CannotLower:
        return []
    return found


def hold(group: Group, instructions: tuple[Compute, ...], builder: Builder, seed: int) -> None:
    """The records, and the operations one by one, on the same random tiles: the same bits."""
    rng = np.random.default_rng(seed)
    at = random.Random(seed).randint(0, 3)
    ranges = {axis.name: (at, at + extent(axis)) for one in instructions for axis in one.axes}
    negated = {each.bias for each in instructions if isinstance(each, Activation) and isinstance(each.bias, Buffer)}
    values: dict[Value, Array] = {}
    for op in builder.host.ops:
        number = np.asarray(0.75 if op.result.element.kind == "float" else 3, numerics.compute_dtype(op.result.element))
        scalars = dict.fromkeys([getattr(op, "parameter", "")], number)
        values[op.result] = evaluate(op, values, {}, dict.fromkeys([*"MNKHSLDVBRCWPQGEF", "..."], 7), scalars)
    for value in set(group.inputs) | _biases(group):
        if value not in values:
            values[value] = drawn(value, rng)
    tiles: dict[Operand, Array] = dict(values.items())
    for buffer in negated:
        (bias,) = _biases(group)
        tiles[buffer] = numerics.elementwise("neg", [values[bias]])
    for bias in _biases(group):
        if builder.selector.is_negated(bias):
            tiles[bias] = numerics.elementwise("neg", [values[bias]])
    for op in group.ops:
        values[op.result] = evaluate(op, values, ranges, {}, {})
    got: dict[Operand, tuple[Array, list[str]]] = {}
    for one in instructions:

        def read(operand: Operand, one: Compute = one) -> Array:
            axes = names(operand.axes) if isinstance(operand, Value) else names(next(iter(_biases(group))).axes)
            return tiles[operand] if not axes else numerics.aligned(tiles[operand], axes, names(one.axes))

        for target, array, left in one.results(read, ranges):
            assert isinstance(target, Value)
            full = [extent(axis) if axis.name in ranges else 1 for axis in target.axes]
            tiles[target] = np.broadcast_to(numerics.aligned(array, names(left), names(target.axes)), full)
            got[target] = tiles[target], names(target.axes)
    for target, (array, _) in got.items():
        assert isinstance(target, Value)
        want = values[target]
        if isinstance(instructions[-1], TensorReduce) and builder.selector.is_negated(target):
            want = numerics.elementwise("neg", [want])
        if isinstance(instructions[-1], TensorScalar) and builder.selector.is_negated(target):
            want = numerics.elementwise("neg", [want])
        if instructions[-1].__class__.__name__ == "TensorCopy":
            array = numerics.cast(array, target.element)
        np.testing.assert_array_equal(array, np.broadcast_to(want, array.shape), err_msg=str(group))


def _biases(group: Group) -> set[Value]:
    """The values that the activation of a group takes away."""
    found = {each.bias for each in group.instructions if isinstance(each, Activation) and group.minus}
    return {each for each in found if isinstance(each, Value)}


def extent(axis: Axis) -> int:
    """An axis `by 1` has one position: an operation may leave it out of its result."""
    return 1 if axis.unit else EXTENT


def drawn(value: Value, rng: np.random.Generator) -> Array:
    shape = [extent(axis) for axis in value.axes]
    dtype = numerics.compute_dtype(value.element)
    if dtype.kind == "f":
        return np.asarray(numerics.cast(rng.normal(size=shape).astype(np.float32), value.element))
    return np.asarray(rng.integers(0, 2, shape).astype(dtype) if dtype.kind == "b" else rng.integers(0, 9, shape).astype(dtype))


def checked(kernel: Program, chip: str, monkeypatch: pytest.MonkeyPatch) -> int:
    found = [each for each in emitted(kernel, chip, monkeypatch) if each[1]]
    monkeypatch.undo()
    for seed, (group, instructions, builder) in enumerate(found):
        with np.errstate(all="ignore"):
            hold(group, instructions, builder, seed)
    return len(found)


@pytest.mark.parametrize("chip", ["trn1", "trn2"])
def test_the_records_of_all_kernels_are_their_operations(chip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(checked(kernel, chip, monkeypatch) for _, kernel in files()) > 60


def test_the_records_of_random_kernels_are_their_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(checked(drawn_kernel(seed), "trn2", monkeypatch) for seed in range(100)) > 300


@pytest.mark.parametrize("element", ["f32", "bf16", "i32"])
def test_the_records_of_every_operation_are_it(element: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert element in ELEMENT_TYPES
    assert sum(checked(kernel, "trn2", monkeypatch) for _, kernel in kernels((element,))) > 60


def lowered(body: str, head: str = "x: f32[M, N], b: f32[M]", dims: dict[str, int] | None = None) -> EngineProgram:
    kernel = parse(f"kernel f({head}) -> y: f32[M, N]:\n    tile m of M:\n{body}").kernels["f"].specialise({}, {})
    return engine.lower(kernel, dims or {"M": 64, "N": 96}, load_chip("trn2"), {"m": 64})


def lines(program: EngineProgram) -> list[str]:
    """The formulas of the elementwise instructions."""
    kinds = ("activation", "tensor_scalar", "tensor_tensor", "select", "reduce", "copy")
    printed = [line.split(maxsplit=2) for line in print_engine_program(program).splitlines()]
    return [rest for _, form, rest in (each for each in printed if len(each) == 3) if form in kinds]


def test_a_maximum_that_is_taken_away_is_left_negated() -> None:
    program = lowered("        y[m, N] = exp(x[m, N] - max[N](x[m, N]))\n")
    assert lines(program) == ["max = -max[N](x)", "y = exp(x + max)"]


def test_a_bias_that_others_read_is_negated_by_an_instruction_of_its_own() -> None:
    """It was said to cost nothing: the producer of `t` leaves `t`, and the activation adds."""
    program = lowered("        t = max(b[m], 1)\n        y[m, N] = exp(x[m, N] - t) * t\n")
    assert lines(program)[:3] == ["t = max(b, 1)", "t.minus = t * -1", "exp = exp(x + t.minus)"]
    assert len(lines(program)) == 4


def test_an_activation_whose_sum_alone_is_wanted_has_a_tile_to_write() -> None:
    program = lowered("        y[m, N] = x[m, N] * sum[N](exp(x[m, N]))\n")
    assert lines(program)[0] == "sum.unread = exp(x), sum = its sum over N"
    (unread,) = (each for each in program.structure.buffers if each.name == "sum.unread")
    assert unread.element == BF16 and unread in next(
        node.writes for _, node in program.structure.instructions() if node.form == "activation"
    )


def test_a_condition_of_two_comparisons_takes_two_instructions() -> None:
    """It was one, and affine_select compares once."""
    body = "        y[m, N] = where(index[N] <= index[m] and index[N] > index[m] - 5, x[m, N], -1)\n"
    program = lowered(body)
    assert lines(program) == ["y = where(N <= m, x, -1)", "y = where(N > m - 5, y, -1)"]
    x, n, m = np.random.default_rng(0).normal(size=(64, 96)).astype(np.float32), np.arange(96), np.arange(64)[:, None]
    got = engine.execute(program, {"x": x, "b": np.zeros(64, np.float32)})["y"]
    np.testing.assert_array_equal(got, np.where((n <= m) & (n > m - 5), x, np.float32(-1)))
    other = lowered(body.replace("and", "or").replace("x[m, N], -1", "2, x[m, N]"))
    assert lines(other) == ["y = where(N > m, x, 2)", "y = where(N <= m - 5, y, 2)"]


def test_a_condition_that_no_chain_can_hold_is_a_tile_of_truth_values() -> None:
    body = "        y[m, N] = where(index[N] <= index[m] or index[N] > 50, x[m, N], -1)\n"
    program = lowered(body)
    assert not any(isinstance(node.action, AffineSelect) for _, node in program.structure.instructions())
    x = np.random.default_rng(0).normal(size=(64, 96)).astype(np.float32)
    got = engine.execute(program, {"x": x, "b": np.zeros(64, np.float32)})["y"]
    n, m = np.arange(96), np.arange(64)[:, None]
    np.testing.assert_array_equal(got, np.where((n <= m) | (n > 50), x, np.float32(-1)))


def test_a_cast_of_a_cast_rounds_twice() -> None:
    """One copy would round once: 1.0703 to f8e4m3 by way of bf16 is another number for some inputs."""
    text = "kernel f(x: f32[M, N]) -> y: f8e4m3[M, N]:\n    tile m of M:\n        y[m, N] = f8e4m3(bf16(x[m, N]))\n"
    kernel = parse(text).kernels["f"].specialise({}, {})
    program = engine.lower(kernel, {"M": 64, "N": 96}, load_chip("trn2"), {"m": 64})
    assert lines(program) == ["cast = x", "y = cast"]


def test_axes_of_records_are_those_of_their_operands() -> None:
    for _, node in lowered("        y[m, N] = (x[m, N] + b[m]) * 2\n").structure.instructions():
        if isinstance(node.action, Compute):
            assert {axis for each in node.action.inputs if isinstance(each, Buffer) for axis in each.axes} == set[Axis](
                node.action.axes
            )


SPECIAL = [
    0.0,
    0.5,
    1.5,
    2.5,
    -0.5,
    -1.5,
    0.49999997,
    1e-30,
    4194304.5,
    4194305.5,
    8388607.5,
    8388609.0,
    3e9,
    1e20,
    np.inf,
    np.nan,
]


@pytest.mark.parametrize("chip", ["trn1", "trn2"])
@pytest.mark.parametrize("fn", ["floor", "ceil", "round"])
def test_rounding_to_whole_numbers_is_made_of_what_the_chip_has(fn: str, chip: str) -> None:
    """It was one instruction, and no arithmetic unit rounds so."""
    text = f"kernel f(x: f32[M, N]) -> y: f32[M, N]:\n    tile m of M:\n        y[m, N] = {fn}(x[m, N])\n"
    kernel = parse(text).kernels["f"].specialise({}, {})
    x = np.array([[*SPECIAL, *(-each for each in SPECIAL)]], np.float32)
    program = engine.lower(kernel, {"M": 1, "N": x.shape[1]}, load_chip(chip), {"m": 1})
    assert len(lines(program)) == (3 if fn == "round" else 5)
    with np.errstate(invalid="ignore"):
        want = {"floor": np.floor, "ceil": np.ceil, "round": np.rint}[fn](x)
    np.testing.assert_array_equal(engine.execute(program, {"x": x})["y"], want)


def test_a_cast_to_integers_needs_no_rounding_before() -> None:
    text = "kernel f(x: f32[M, N]) -> y: i8[M, N]:\n    tile m of M:\n        y[m, N] = i8(round(x[m, N] * 2))\n"
    kernel = parse(text).kernels["f"].specialise({}, {})
    program = engine.lower(kernel, {"M": 1, "N": 32}, load_chip("trn2"), {"m": 1})
    assert lines(program) == ["y = x * 2"]
    x = np.random.default_rng(0).normal(size=(1, 32)).astype(np.float32) * 50
    np.testing.assert_array_equal(engine.execute(program, {"x": x})["y"], np.clip(np.rint(x * 2), -128, 127).astype(np.int8))
