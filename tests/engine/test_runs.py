"""Axes cut into runs: the same values as with an element a partition, the time of whole rows, and one formula for all."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.engine_program import Instruction
from tilery.backends.machine.time.bounds import lower_bound_s, upper_bound_s
from tilery.backends.machine.time.energy import energy
from tilery.backends.machine.time.resolving import FS_PER_S
from tilery.backends.machine.time.run_traffic import traffic
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.operations.numerics import Array
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.trainium.cost import duration_s
from tilery.backends.trainium.runs.pieces import elements_a_lane, piece_count, rectangles
from tilery.backends.trainium.runs.told import single_elements
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.data import random_arguments
from tilery.backends.truth.reference import reference
from tilery.backends.tunable import Choice
from tilery.dsl import load, parse
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

from ..machine.event_run import event_run

MODULE = load(Path(__file__).parent / "programs" / "flat.tk")
DIMS = {"R": 3}
SUMS = ("rest", "total", "soft", "online")
"""Kernels whose sums along an axis in runs are added up in another order; they are held against the reference alone."""


def neighbours(x: Array) -> dict[str, Array]:
    before, after = np.concatenate([[0.0], x[:-1]]), np.concatenate([x[1:], [0.5]])
    return {"y": before - 2 * x + after}


def pairs(x: Array) -> dict[str, Array]:
    return {"even": x[::2] + x[1::2], "y": x.reshape(-1, 2)[:, ::-1].ravel()}


WITHOUT_REFERENCE: dict[str, Callable[[Array], dict[str, Array]]] = {"neighbours": neighbours, "pairs": pairs}


def specialised(name: str, element: str = "f32") -> Program:
    return MODULE.kernels[name].specialise({"T": ELEMENT_TYPES[element]}, {})


def drawn(kernel: Program, dims: dict[str, int], chip: str, layout: str, draw: random.Random) -> dict[str, Choice]:
    """Any knobs, and tiles of a dozen steps at most."""
    config: dict[str, Choice] = {}
    for each in engine.tunables(kernel, dims, load_chip(chip), settable=True):
        if each.kind == "tile":
            config[each.name] = draw.randint(-(-dims["N"] // draw.randint(1, 12)), dims["N"])
        else:
            config[each.name] = layout if each.name.startswith("layout.") else draw.choice(each.values)
    return config


@pytest.mark.parametrize("name", sorted(MODULE.kernels))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(
    n=st.one_of(st.integers(1, 300), st.integers(300, 5000)),
    element=st.sampled_from(["f32", "bf16"]),
    chip=st.sampled_from(["trn1", "trn2", "trn3"]),
    layout=st.sampled_from(["runs", "runs", "rows"]),
    seed=st.integers(0, 2**16),
)
def test_exact_execution_gives_the_bits_of_the_emulator(
    name: str, n: int, element: str, chip: str, layout: str, seed: int
) -> None:
    kernel, dims, draw = specialised(name, element), DIMS | {"N": n}, random.Random(seed)
    dims = {each: dims[each] for each in kernel.signature.dimensions}
    config = drawn(kernel, dims, chip, layout, draw)
    try:
        program = engine.lower(kernel, dims, load_chip(chip), config)
    except engine.Infeasible:
        assume(False)
    arguments = random_arguments(kernel, dims, seed)
    exact = engine.execute(program, arguments, shuffle=None if name == "added" else draw.choice([None, seed]))
    tiles = {each.axis.name: program.tile(each.axis) for each in kernel.loop_variables}
    fast = emulator.compile(kernel, dims, tiles)(arguments)
    for result, got in exact.items() if name not in SUMS else ():
        assert np.array_equal(got.view(np.uint8), fast[result].view(np.uint8)), result
    want = WITHOUT_REFERENCE[name](np.asarray(arguments["x"], np.float64)) if name in WITHOUT_REFERENCE else None
    assert compare(kernel, dims, exact, want or reference(kernel, dims, arguments), arguments).ok
    latency, sizes = latency_fs(program), program.tiles
    assert latency == latency_fs(program, jump=False) == event_run(program)
    assert float(lower_bound_s(program.structure, dims, sizes)) * (1 - 1e-6) <= latency / FS_PER_S
    assert latency / FS_PER_S <= float(upper_bound_s(program.structure, dims, sizes)) * (1 + 1e-6)


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.sampled_from([16, 128]))
def test_pieces_cover_all_positions_in_rectangles(start: int, extent: int, partitions: int) -> None:
    found = list(rectangles(start, start + extent, partitions))
    assert found[0][0] == start
    assert found[-1][1] == start + extent
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert len(found) == piece_count(extent, partitions)
    assert all((stop - first) % partitions == 0 or stop - first < partitions for first, stop in found)
    assert elements_a_lane(extent, partitions, partitions) == sum(-(-(stop - first) // partitions) for first, stop in found)


PAIR = """
kernel flat(x: f32[N], y: f32[N]) -> z: f32[N]:
    tile n of N:
        z[n] = x[n] + y[n]

kernel wide(x: f32[M, N], y: f32[M, N]) -> z: f32[M, N]:
    tile m of M, n of N:
        z[m, n] = x[m, n] + y[m, n]
"""


def microseconds(kernel: Program, dims: dict[str, int], given: dict[str, Choice]) -> float:
    chip = load_chip("trn2")
    config = engine.default_config(kernel, dims, chip, given)
    return latency_fs(engine.lower(kernel, dims, chip, config)) / 1e9


@pytest.mark.parametrize("elements", [2**24, 2**24 + 77, 10**7])
def test_a_flat_tensor_is_as_fast_as_a_square_one(elements: int) -> None:
    flat, wide = (each.specialise({}, {}) for each in parse(PAIR).kernels.values())
    rows = microseconds(wide, {"M": 128, "N": -(-elements // 128)}, {})
    assert microseconds(flat, {"N": elements}, {}) <= 1.05 * rows
    assert microseconds(flat, {"N": elements}, {"layout.n": "rows"}) > 50 * rows


def seconds(program: engine.EngineProgram, node: Instruction) -> float:
    return float(duration_s(node, trainium(program.chip), {"n": program.dims["N"]}, program.dims))


def test_what_a_piece_costs() -> None:
    """300 elements: [128, 2] and [44, 1], each a transfer of short runs and an instruction of its own."""
    flat, _ = (each.specialise({}, {}) for each in parse(PAIR).kernels.values())
    chip = trainium(load_chip("trn2"))
    program = engine.lower(flat, {"N": 300}, chip, {"n": 300})
    leaves = {node.form: seconds(program, node) for _, node in program.structure.instructions()}
    assert leaves["load"] == pytest.approx(2 * chip.dma.floor_ns * 1e-9)
    assert leaves["tensor_tensor"] == pytest.approx((2 * chip.vector.fixed_cycles + 2 * 3) / chip.vector.clock_hz)
    program = engine.lower(flat, {"N": 128 * 1000}, chip, {"n": 128 * 1000})
    (load, *_) = (node for _, node in program.structure.instructions() if node.form == "load")
    assert seconds(program, load) == pytest.approx(8 * (chip.dma.descriptor_ns * 1e-9 + 4000 * 16 / chip.dma.bytes_per_s))


@pytest.mark.parametrize("name", ["several", "kept", "cut"])
def test_screening_says_what_lowering_says(name: str) -> None:
    """Memory, bound and energy of drawn configurations: as arrays, and one by one."""
    kernel, chip = specialised(name), load_chip("trn2")
    dims = {each: {"R": 3, "N": 10**6 + 1}[each] for each in kernel.signature.dimensions}
    space, generator = engine.tunables(kernel, dims, chip), np.random.default_rng(1)
    columns = {each.name: generator.integers(0, len(each.values), 60) for each in space}
    screened = engine.screen(kernel, dims, chip, columns, energies=True)
    assert screened.energy_j is not None
    assert 0 in screened.limit
    for row in range(60):
        config = {each.name: each.values[int(columns[each.name][row])] for each in space}
        if screened.limit[row]:
            with pytest.raises(engine.Infeasible):
                engine.lower(kernel, dims, chip, config)
            continue
        program = engine.lower(kernel, dims, chip, config)
        assert screened.lower_bound_us[row] <= latency_fs(program) / 1e9
        used = energy(chip, traffic(program))
        assert used is not None
        assert screened.energy_j[row] == pytest.approx(used.total_j)


def test_every_byte_is_moved_once() -> None:
    flat, _ = (each.specialise({}, {}) for each in parse(PAIR).kernels.values())
    for n in (1, 127, 128, 300, 10**6):
        program = engine.lower(flat, {"N": n}, load_chip("trn2"), {})
        assert traffic(program).hbm_bytes == 3 * 4 * n


CHOSEN = """
kernel chosen(t: f32[V], ids: i32[N]) -> y: f32[N]:
    tile n of N:
        y[n] = t[ids[n]]
"""


def test_flat_tensors_that_move_an_element_at_a_time_are_told() -> None:
    chip, dims = load_chip("trn2"), {"N": 10**6}
    flat, _ = (each.specialise({}, {}) for each in parse(PAIR).kernels.values())
    assert not single_elements(engine.lower(flat, dims, chip, {}))
    slow = engine.lower(flat, dims, chip, {"layout.n": "rows", "n": 8192})
    (told,) = single_elements(slow)
    assert told.tensors == ("x", "y", "z")
    assert told.instead == "--set layout.n=runs"
    saved_fs = latency_fs(slow) - latency_fs(engine.lower(flat, dims, chip, {"layout.n": "runs", "n": 8192}))
    assert 0.2 * saved_fs <= told.lost_s * FS_PER_S <= saved_fs, "stores of single elements pass 128 at a time besides"
    chosen = parse(CHOSEN).kernels["chosen"].specialise({}, {})
    (told,) = single_elements(engine.lower(chosen, {**dims, "V": 1000}, chip, {"n": 8192}))
    assert told.tensors == ("ids", "y")
    assert "gather" in told.why
    assert "longer rows" in told.instead


@pytest.mark.parametrize("kernel", ["soft", "online"])
def test_a_short_axis_beside_a_long_one_uses_all_partitions(kernel: str) -> None:
    """Runs are searched where rows would leave most partitions idle, and win there."""
    chip, few, many = load_chip("trn2"), {"R": 4, "N": 16384}, {"R": 512, "N": 16384}
    short = {each.name: each for each in engine.tunables(specialised(kernel), few, chip)}
    long = {each.name for each in engine.tunables(specialised(kernel), many, chip)}
    (name,) = (each for each in short if each.startswith("layout."))
    assert short[name].values == ("rows", "runs")
    assert name not in long
    rows, runs = (microseconds(specialised(kernel), few, {name: layout}) for layout in ("rows", "runs"))
    assert runs < 0.5 * rows
    assert microseconds(specialised(kernel), few, {}) <= runs * 1.1


COUNTED = """
kernel counted(x: i32[N]) -> y: f32[1]:
    tile n of N:
        y[0] += sum[n](x[n])
"""


@pytest.mark.parametrize("taken", ["x[n]", "f32(x[n])"])
def test_a_sum_of_integers_along_a_flat_axis(taken: str) -> None:
    """In i32 across the partitions, in f32 along runs."""
    kernel = parse(COUNTED.replace("x[n]", taken)).kernels["counted"].specialise({}, {})
    program = engine.lower(kernel, {"N": 1000}, load_chip("trn2"), {"n": 300})
    x = np.arange(-200, 800, dtype=np.int32)
    assert engine.execute(program, {"x": x})["y"] == [x.sum()]


def test_what_is_added_to_a_product_is_not_cut_along_an_axis_that_the_product_lacks() -> None:
    """The distances of two sets of points: the sum over K lies beside the product, whose rows lie across the partitions."""
    text = """kernel apart(a: T[M, K], b: T[N, K]) -> y: f32[M, N]:
    reference:
        y[M, N] = sum[K](square(b[N, K])) - 2 * sum[K](a[M, K] * b[N, K])
    tile m of M, n of N:
        y[m, n] = sum[K](square(b[n, K])) - 2 * (a[m, K] @ b[n, K])
"""
    kernel = parse(text, "apart.tk").kernels["apart"].specialise({"T": ELEMENT_TYPES["f32"]}, {})
    dims = {"M": 70, "N": 150, "K": 60}
    arguments = random_arguments(kernel, dims, 0)
    for chip in ("trn1", "trn2", "trn3"):
        program = engine.lower(kernel, dims, load_chip(chip), engine.default_config(kernel, dims, load_chip(chip)))
        assert compare(kernel, dims, engine.execute(program, arguments), reference(kernel, dims, arguments), arguments).ok
