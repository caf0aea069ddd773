"""The recurrence with its jumps equals a plain run over every event; bounds hold; more of anything is never slower."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tilery.backends import engine
from tilery.backends.chips import Chip, load_chip
from tilery.backends.engine.binding import FS_PER_S
from tilery.backends.engine.cost import duration_s, latency_s
from tilery.backends.engine.guards import Guards, inner_guard_axes
from tilery.backends.engine.program import Buffer, EngineProgram, Instruction, Loop, Node
from tilery.backends.engine.report import tile_sizes
from tilery.backends.engine.screen import lower_bound_s
from tilery.backends.engine.timing import latency_fs
from tilery.backends.tunable import Choice, Config
from tilery.dsl.program import Kernel

from .kernels import SHAPES, specialised

Event = tuple[Instruction, dict[str, int], dict[Buffer, int]]
"""An instruction, the extents it stands at, and which instance of each buffer it means, counted from the first."""


def events(program: EngineProgram) -> Iterator[Event]:
    """Every instruction in program order, unrolled."""
    guards = Guards(program)
    given_out: dict[Buffer, int] = dict.fromkeys(program.structure.buffers, -1)

    def new(buffers: tuple[Buffer, ...]) -> dict[Buffer, int]:
        for buffer in buffers:
            given_out[buffer] += 1
        return {buffer: given_out[buffer] for buffer in buffers}

    def body(nodes: tuple[Node, ...], ranges: dict[str, tuple[int, int]], instances: dict[Buffer, int]) -> Iterator[Event]:
        for node in nodes:
            if isinstance(node, Instruction):
                yield node, {name: stop - start for name, (start, stop) in ranges.items()}, instances
            else:
                yield from steps(node, ranges, instances)

    def steps(loop: Loop, ranges: dict[str, tuple[int, int]], outer: dict[Buffer, int]) -> Iterator[Event]:
        name = loop.axis.name
        parent = name if loop.limit is not None else loop.axis.parent
        low, high = ranges[parent] if parent else (0, program.extent(loop.axis))
        size = loop.limit if loop.limit is not None else program.tile(loop.axis)
        pieces = [(start, min(high, start + size)) for start in range(low, high, size)]
        if loop.guard is not None:
            pieces = [pieces[step] for step in guards.steps(loop, ranges)]
        if program.is_dealt(loop):
            # The core with most to do: the first one; under a guard, the one that has the last step.
            looked_at = name in inner_guard_axes(loop.body)
            pieces = pieces[(len(pieces) - 1) % program.cores if looked_at else 0 :: program.cores]
        own: list[dict[Buffer, int]] = [{} for _ in pieces]
        for turn in range(len(pieces) + len(loop.stages) - 1 if pieces else 0):
            for number, stage in enumerate(loop.stages):
                step = turn - number
                if 0 <= step < len(pieces):
                    own[step] |= new(stage.allocates)
                    yield from body(stage.body, {**ranges, name: pieces[step]}, {**outer, **own[step]})

    whole = {axis.name: (0, program.extent(axis)) for each in program.structure.buffers for axis in each.axes if axis.whole}
    yield from body(program.structure.body, whole, new(program.structure.allocates))


def held_up(node: Instruction, other: str, chip: Chip) -> bool:
    """True if another queue stands still while an instruction runs: transfers share the DMA engines, others a port."""
    if node.engine in ("dma", "tensor"):
        return node.engine == "dma" and other.startswith("dma.")
    return other in chip.engine(node.engine).holds_up


def event_run(program: EngineProgram) -> int:
    """The definition of the timing, written plainly: each instruction waits for its queue, its inputs and its slot."""
    queue: dict[str, int] = {}
    written: dict[tuple[Buffer, int], int] = {}
    read: dict[tuple[Buffer, int], int] = {}
    names = {node.queue for _, node in program.structure.instructions()}
    writers: dict[Buffer, set[str]] = defaultdict(set)
    for _, node in program.structure.instructions():
        for buffer in node.writes:
            writers[buffer].add(node.queue)
    end, cold = 0, True

    def trigger(name: str) -> int:
        return round(program.chip.dma.trigger_ns * 1e-9 * FS_PER_S) if name.startswith("dma.") else 0

    for node, extents, instances in events(program):
        duration = round(duration_s(node, program.chip, extents, program.dims) * FS_PER_S)
        reads = [(buffer, instances[buffer] % program.slots(buffer)) for buffer in node.reads]
        writes = [(buffer, instances[buffer] % program.slots(buffer)) for buffer in node.writes]
        if node.engine == "tensor" and cold:
            duration, cold = duration + round(program.chip.tensor.warm_up_ns * 1e-9 * FS_PER_S), False
        shared = [slot for slot in writes if writers[slot[0]] != {node.queue}]
        waits = [queue.get(node.queue, trigger(node.queue)), *(written.get(slot, 0) for slot in reads + shared)]
        start = max(*waits, *(read.get(slot, 0) for slot in writes), 0)
        queue[node.queue] = start + duration
        for other in names - {node.queue}:
            if held_up(node, other, program.chip):
                queue[other] = queue.get(other, trigger(other)) + duration
        done = start + duration + round(latency_s(node, program.chip) * FS_PER_S)
        read |= {slot: max(done, read.get(slot, 0)) for slot in reads}
        written |= dict.fromkeys(writes, done)
        end = max(end, done)
    return end


def drawn(kernel: Kernel, dims: dict[str, int], chip: Chip, seed: int) -> dict[str, Choice]:
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


@settings(max_examples=60, deadline=None)
@given(**PROGRAMS)
def test_the_busiest_engine_is_a_lower_bound(name: str, causal: bool, extents: list[int], seed: int, chip: str) -> None:
    program = program_of(name, causal, extents, seed, chip)
    bound = lower_bound_s(program.structure, program.dims, tile_sizes(program))
    assert float(bound) * (1 - 1e-6) <= latency_fs(program) / FS_PER_S


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
