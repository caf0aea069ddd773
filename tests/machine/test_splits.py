"""How instructions are cut into pieces, buffers are shaped and stages take turns: each written once, and held to its meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.engine_program import Buffer, EngineProgram, MatMul
from tilery.backends.machine.execute.execute import Machine
from tilery.backends.machine.splits import Range, Split, count, pieces
from tilery.backends.machine.stage_order import in_order, in_turn, turn_count
from tilery.backends.machine.time.totals import Totals
from tilery.backends.operations.numerics import Array
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.trainium.repetitions import repetitions
from tilery.backends.trainium.runs.pieces import RunSplit
from tilery.backends.trainium.traffic import on_chip_bytes
from tilery.backends.truth.data import random_arguments
from tilery.dsl import parse
from tilery.dsl.program import Axis, Program
from tilery.dsl.types import F32

from ..numbers.programs import product, program
from ..specialised import specialised

LIMITS = {"a": 128, "b": 512, "c": 32}


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 1400)), min_size=1, max_size=3), st.booleans())
def test_pieces_cover_every_element_once_within_the_limits(sides: list[tuple[int, int]], runs: bool) -> None:
    splits: list[Split] = []
    ranges: dict[str, Range] = {}
    for (name, limit), (start, extent) in zip(LIMITS.items(), sides, strict=False):
        axis = Axis(name, 2000, whole=False)
        splits.append(RunSplit(axis, limit) if runs and not splits else Split(axis, limit))
        ranges[name] = (start, start + extent)
    found = list(pieces(splits, ranges))
    assert len(found) == count(splits, {name: stop - start for name, (start, stop) in ranges.items()})
    whole = 1
    for start, stop in ranges.values():
        whole *= stop - start
    assert sum(_volume(each) for each in found) == whole
    assert len({tuple(each.items()) for each in found}) == len(found)
    for each in found:
        for split in splits:
            start, stop = each[split.axis.name]
            low, high = ranges[split.axis.name]
            assert low <= start < stop <= high
            # A full rectangle holds runs of equal length, what is left over less than one element a partition.
            positions = stop - start
            assert (
                positions % split.limit == 0 or positions < split.limit
                if isinstance(split, RunSplit)
                else positions <= split.limit
            )


def _volume(ranges: dict[str, Range]) -> int:
    whole = 1
    for start, stop in ranges.values():
        whole *= stop - start
    return whole


@given(st.integers(0, 9), st.integers(1, 5))
def test_every_stage_of_every_step_comes_once_and_in_its_turn(steps: int, stages: int) -> None:
    order = list(in_order(steps, stages))
    assert sorted(order) == [(step, stage) for step in range(steps) for stage in range(stages)]
    turns = [turn for turn in range(turn_count(steps, stages)) for _ in in_turn(turn, steps, stages)]
    assert turns == [step + stage for step, stage in order]
    # In a turn the earlier stages come first, of newer steps.
    assert order == sorted(order, key=lambda each: (each[0] + each[1], each[1]))


class Counting(Machine):
    """An execution that counts the bytes of the operands and results of every product it carries out."""

    moved = 0

    def region(self, buffer: Buffer, ranges: dict[str, Range]) -> Array:  # type: ignore[override]
        view = super().region(buffer, ranges)
        if self.counts:
            self.moved += int(view.size * buffer.element.bytes)
        return view

    counts = False

    def _multiply(self, action: MatMul, ranges: dict[str, Range], overwrite: bool) -> None:  # type: ignore[override]
        self.counts = True
        super()._multiply(action, ranges, overwrite)
        self.counts = False


DOTS = [
    (product("matmul", "dot[K](a[K, m], b[K, n])", "bf16"), {"M": 200, "N": 700, "K": 300}),
    (product("matmul", "dot[K](a[K, m], b[K, n])", "f8e4m3"), {"M": 130, "N": 600, "K": 400}),
    (product("row_major", "dot[K](a[m, K], b[K, n])", "f32"), {"M": 129, "N": 513, "K": 129}),
    (product("batched", "dot[K](a[b, K, m], w[b, K, n])", "bf16"), {"B": 3, "M": 130, "N": 40, "K": 130}),
]


@pytest.mark.parametrize(("text", "dims"), DOTS, ids=["bf16", "fp8", "turned", "batched"])
@pytest.mark.parametrize("chip", ["trn1", "trn2"])
def test_the_bytes_of_products_are_those_that_are_moved(text: str, dims: dict[str, int], chip: str) -> None:
    """A stationary operand is loaded for every 512 columns, and fp8 adds to PSUM half as often: two rows go in at a time."""
    made = program(text, dims, {"buffers.dot": 1}, chip=chip)
    counted = 0
    for node, times, extents in Totals(made.structure, made.dims, made.tiles).executed():
        if isinstance(node.action, MatMul):
            counted += times * sum(on_chip_bytes(node, trainium(made.chip), extents))
    machine = Counting(made, random_arguments(made.kernel, dims, 1))
    machine.run(made.structure.allocates, made.structure.body)
    assert machine.moved == counted > 0


def test_a_stationary_operand_is_loaded_for_every_512_columns() -> None:
    made = program(DOTS[0][0], {"M": 128, "N": 1024, "K": 128})
    (matmul,) = (node for _, node in made.structure.instructions() if isinstance(node.action, MatMul))
    sbuf, _ = on_chip_bytes(matmul, trainium(made.chip), {"m": 128, "n": 1024, "K": 128})
    assert sbuf == 2 * (128 * 128 * 2) + 128 * 1024 * 2
    assert [split.limit for split in repetitions(matmul, trainium(made.chip))] == [128, 512, 128]


def shapes_agree(made: EngineProgram) -> None:
    """Asserts that no instance that is executed is larger than the shape that the capacity counts."""
    machine = Machine(made, random_arguments(made.kernel, made.dims, 1))
    machine.run(made.structure.allocates, made.structure.body)
    for buffer, instance in machine._instances.items():
        counted = tuple(int(buffer.positions(axis, made.tile, made.extent)) for axis in buffer.axes)
        assert all(held <= most for held, most in zip(instance.shape, counted, strict=True)), (
            buffer.name,
            instance.shape,
            counted,
        )


@pytest.mark.parametrize("name", ["matmul", "attention", "softmax"])
def test_no_instance_is_larger_than_what_the_capacity_counts(name: str) -> None:
    kernel: Program = specialised(name, "bf16", True if name == "attention" else None)
    dims = {name: 2 if name == "H" else 150 for name in kernel.signature.dimensions}
    chip = load_chip("trn2")
    config = engine.default_config(kernel, dims, chip) | {
        each.axis.name: 64 for each in kernel.loop_variables if not each.axis.unit
    }
    shapes_agree(engine.lower(kernel, dims, chip, config))


def test_a_tile_of_a_tile_holds_the_tile() -> None:
    text = "kernel f(x: f32[M, N]) -> y: f32[M, N]:\n    tile m of M:\n        for k of m:\n            y[k, N] = exp(x[k, N])\n"
    kernel = parse(text).kernels["f"].specialise({}, {})
    chip, dims = load_chip("trn2"), {"M": 300, "N": 40}
    shapes_agree(engine.lower(kernel, dims, chip, {"m": 100, "k": 30}))
    inner = Buffer("x", "sbuf", F32, (Axis("k", "M", whole=False, parent="m"),), None, 1)
    assert inner.positions(inner.axes[0], lambda axis: 30, lambda axis: 300) == 30
