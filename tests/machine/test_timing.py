"""The recurrence with its jumps equals a plain run over every event; bounds hold; more of anything is never slower."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tilery.backends import engine
from tilery.backends.chips import Chip, load_chip
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.time.bounds import lower_bound_s, upper_bound_s
from tilery.backends.machine.time.resolving import FS_PER_S
from tilery.backends.machine.time.timing import Walk, latency_fs
from tilery.backends.tunable import Choice, Config
from tilery.dsl.program import Program

from ..specialised import SHAPES, specialised
from .event_run import event_run, events


def drawn(kernel: Program, dims: dict[str, int], chip: Chip, seed: int) -> dict[str, Choice]:
    generator = random.Random(seed)
    space = engine.tunables(kernel, dims, chip)
    return {
        each.name: generator.choice([64, 96, 128, 256, 300, 512]) if each.kind == "tile" else generator.choice(each.values)
        for each in space
    }


def program_of(name: str, causal: bool, extents: list[int], seed: int, chip: str) -> EngineProgram:
    kernel = specialised(name, "bf16", causal if name == "attention" else None)
    dims = dict(zip(kernel.signature.dimensions, extents, strict=False))
    dims |= {"H": 1 + dims["H"] % 7} if "H" in dims else {}
    try:
        return engine.lower(kernel, dims, load_chip(chip), drawn(kernel, dims, load_chip(chip), seed))
    except engine.Infeasible:
        assume(False)
        raise


PROGRAMS = {
    "name": st.sampled_from(sorted(SHAPES)),
    "causal": st.booleans(),
    "extents": st.lists(st.integers(1, 2500), min_size=4, max_size=4),
    "seed": st.integers(0, 2**16),
    "chip": st.sampled_from(["trn1", "trn2"]),
}


@settings(max_examples=80, deadline=None)
@given(**PROGRAMS)
def test_jumps_change_nothing(name: str, causal: bool, extents: list[int], seed: int, chip: str) -> None:
    program = replace(program_of(name, causal, extents, seed, chip), cores=1 + seed % 2)
    assert latency_fs(program) == latency_fs(program, jump=False) == event_run(program)


@pytest.mark.parametrize(("length", "keys", "most"), [(100_000, 128, 1_000), (20_000, 300, 2_000), (1_000, 5_000, 3_000)])
def test_steps_that_a_guard_treats_alike_are_jumped_over(length: int, keys: int, most: int) -> None:
    """Causal attention over few keys: beyond them, every step lets the same keys through."""
    kernel, dims = specialised("attention", "bf16", True), {"H": 2, "S": length, "L": keys, "D": 64}
    program = engine.lower(kernel, dims, load_chip("trn2"), {"i": 128, "j": 128, "buffers.turn": 1})
    walk = Walk(program)
    assert walk.run() == latency_fs(program, jump=False)
    assert walk.events < most


def test_a_tile_that_nothing_reads_hinders_no_jump() -> None:
    """The squares that rmsnorm sums are written, and never read: their last read stays where it was, at the launch."""
    config: Config = {"m": 128, "engine.sum.every": "scalar"}
    program = engine.lower(specialised("rmsnorm", "bf16"), {"M": 12_800, "N": 1024}, load_chip("trn2"), config)
    walk = Walk(program)
    assert walk.run() == latency_fs(program, jump=False)
    assert walk.events < 60


@settings(max_examples=60, deadline=None)
@given(**PROGRAMS)
def test_between_the_busiest_engine_and_no_overlap(name: str, causal: bool, extents: list[int], seed: int, chip: str) -> None:
    program = program_of(name, causal, extents, seed, chip)
    lower = float(lower_bound_s(program.structure, program.dims, program.tiles))
    upper = float(upper_bound_s(program.structure, program.dims, program.tiles))
    assert lower * (1 - 1e-6) <= latency_fs(program) / FS_PER_S <= upper * (1 + 1e-6)


def with_slots(program: EngineProgram, extra: int) -> EngineProgram:
    """The same program with more slots of everything, whether they fit or not."""
    config = {name: int(value) + extra if name.startswith("buffers.") else value for name, value in program.config.items()}
    return EngineProgram(program.structure, program.dims, config)


@settings(max_examples=40, deadline=None)
@given(**PROGRAMS)
def test_more_slots_are_never_slower(name: str, causal: bool, extents: list[int], seed: int, chip: str) -> None:
    program = program_of(name, causal, extents, seed, chip)
    assert latency_fs(with_slots(program, 1)) <= latency_fs(program)


FASTER = [
    ("dma", "bytes_per_s", 1.5),
    ("tensor", "clock_hz", 1.3),
    ("vector", "clock_hz", 2.0),
    ("dma", "latency_ns", 0.5),
    ("dma", "trigger_ns", 0.5),
    ("dma", "floor_ns", 0.5),
    ("dma", "descriptor_ns", 0.0),
]


@settings(max_examples=40, deadline=None)
@given(change=st.sampled_from(FASTER), **PROGRAMS)
def test_a_faster_chip_is_never_slower(
    change: tuple[str, str, float], name: str, causal: bool, extents: list[int], seed: int, chip: str
) -> None:
    program = program_of(name, causal, extents, seed, chip)
    section, field, factor = change
    part = getattr(program.chip, section)
    faster = msgspec.structs.replace(part, **{field: getattr(part, field) * factor})
    improved = msgspec.structs.replace(program.chip, **{section: faster})
    again = engine.lower(program.kernel, program.dims, improved, program.config)
    # Durations are rounded to whole femtoseconds, one instruction up and another down.
    assert latency_fs(again) <= latency_fs(program) * (1 + 1e-9)


MEASURED: dict[str, Config] = {
    "tiled": {"m": 128, "n": 512, "k": 128},
    "hoisted": {"m": 128, "n": 512, "k": 128, "hoist.a": "n"},
    "2x2": {"m": 256, "n": 1024, "k": 128},
    "full": {"m": 2048, "n": 1024, "k": 1024, "accumulate.acc": "sbuf", "buffers.acc": 1},
}
"""The four programs of AWS's matmul tutorial, slowest first as measured on trn1."""


def test_measured_order_of_four_matmul_programs() -> None:
    kernel, dims = specialised("matmul_kmajor", "bf16"), {"M": 4096, "K": 8192, "N": 8192}
    chip = load_chip("trn1")
    latencies = [latency_fs(engine.lower(kernel, dims, chip, config)) for config in MEASURED.values()]
    assert latencies == sorted(latencies, reverse=True)
    assert all(slow > 1.05 * fast for slow, fast in itertools.pairwise(latencies))


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_causal_and_ragged_totals_count_what_runs(name: str) -> None:
    kernel = specialised(name, "f32", True if name == "attention" else None)
    for dims in SHAPES[name]:
        program = engine.lower(kernel, dims, load_chip("trn2"), engine.default_config(kernel, dims, load_chip("trn2")))
        report = engine.simulate(program)
        count: dict[str, int] = dict.fromkeys(report.engines, 0)
        for node, _, _ in events(program):
            count[node.engine] += 1
        assert count == {name: share.instructions for name, share in report.engines.items()}


@settings(max_examples=30, deadline=None)
@given(**PROGRAMS)
def test_more_cores_share_the_steps(name: str, causal: bool, extents: list[int], seed: int, chip: str) -> None:
    program = program_of(name, causal, extents, seed, chip)
    one, two = latency_fs(program), latency_fs(replace(program, cores=2))
    assert two <= one
    report = engine.simulate(replace(program, cores=2))
    assert report.flops == engine.simulate(program).flops
    assert all(0 <= share.busy_share <= 1 + 1e-9 for share in report.engines.values())
