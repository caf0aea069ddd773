"""The trace: valid by the Trace Event Format, true to the walk, and bounded however long the run is."""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.capacity import usage
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.explain.critical import critical
from tilery.backends.machine.explain.recording import Record, record
from tilery.backends.machine.explain.trace import trace
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.trainium.chip_tables import trainium
from tilery.command.cli import main
from tilery.dsl import load
from tilery.dsl.types import ELEMENT_TYPES

KERNELS = Path(__file__).parents[2] / "kernels"

RUNS: tuple[tuple[str, str, Mapping[str, int]], ...] = (
    ("matmul", "trn2", {"M": 2048, "K": 4096, "N": 14336}),
    ("matmul_kmajor", "trn1", {"M": 131, "K": 259, "N": 613}),
    ("softmax", "trn2", {"M": 4096, "N": 4096}),
    ("attention", "trn3", {"H": 3, "S": 197, "L": 219, "D": 37}),
    ("linear_gelu", "inf2", {"M": 1000, "K": 1000, "N": 3000}),
    ("rmsnorm", "trn1", {"M": 64, "N": 100}),
)


def program_of(name: str, chip: str, dims: Mapping[str, int]) -> EngineProgram:
    kernel = load(KERNELS / f"{name}.tk").kernels[name].specialise({"T": ELEMENT_TYPES["bf16"]}, {})
    return engine.lower(kernel, dims, load_chip(chip), engine.default_config(kernel, dims, load_chip(chip)))


@pytest.fixture(params=RUNS, ids=[f"{name}-{chip}" for name, chip, _ in RUNS])
def run(request: pytest.FixtureRequest) -> tuple[EngineProgram, Record]:
    program = program_of(*request.param)
    return program, record(program)


def test_looking_changes_no_time(run: tuple[EngineProgram, Record]) -> None:
    program, seen = run
    assert seen.latency == latency_fs(program)
    assert max(event.ready for event in seen.events) == seen.latency
    assert len(seen.events) < 10_000


def test_every_event_has_the_times_of_the_full_run(run: tuple[EngineProgram, Record]) -> None:
    program, seen = run
    full: dict[str, set[tuple[int, int]]] = defaultdict(set)
    latency_fs(program, lambda node, start, end: full[node.name].add((start, end)), jump=False)
    for event in seen.events:
        assert (event.start, event.ready) in full[event.instruction.name]


def test_the_trace_is_valid(run: tuple[EngineProgram, Record]) -> None:
    program, seen = run
    whole = json.loads(json.dumps(trace(program, seen)))
    events = whole["traceEvents"]
    assert {each["ph"] for each in events} <= {"M", "X", "C", "s", "f"}
    stamps = [each["ts"] for each in events if "ts" in each]
    assert stamps == sorted(stamps)
    assert all(ts >= 0 for ts in stamps)
    slices = tracks(events)
    names = {each["tid"]: each["args"]["name"] for each in events if each["name"] == "thread_name"}
    assert len(names) == len({node.queue for _, node in program.structure.instructions()})
    assert set(slices) <= set(names)
    for track in slices.values():
        for (_, end, first), (start, _, second) in itertools.pairwise(track):
            assert end <= start, (first, second)
    ends = max(end for track in slices.values() for _, end, _ in track)
    assert ends <= round(whole["otherData"]["latency_us"] * 1000)


def tracks(events: list[dict[str, Any]]) -> dict[int, list[tuple[int, int, str]]]:
    """The slices of each row, in nanoseconds, in order."""
    found: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for each in events:
        if each["ph"] == "X":
            found[each["tid"]].append((round(each["ts"] * 1000), round((each["ts"] + each["dur"]) * 1000), each["name"]))
    return {row: sorted(track) for row, track in found.items()}


def test_every_flow_has_both_ends_inside_a_slice(run: tuple[EngineProgram, Record]) -> None:
    program, seen = run
    events = trace(program, seen)["traceEvents"]
    slices = tracks(events)
    flows: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for each in events:
        if each["ph"] in "sf":
            assert each["ph"] not in flows[each["id"]]
            flows[each["id"]][each["ph"]] = each
            at = round(each["ts"] * 1000)
            assert any(start <= at < end for start, end, _ in slices[each["tid"]])
    assert flows
    for ends in flows.values():
        assert ends["s"]["ts"] <= ends["f"]["ts"]
        assert ends["s"]["name"] == ends["f"]["name"]
        assert ends["f"]["bp"] == "e"


def test_counters_stay_within_what_the_program_takes(run: tuple[EngineProgram, Record]) -> None:
    program, seen = run
    sbuf, banks = usage(program).values()
    chip = trainium(program.chip)
    most = {"SBUF bytes": sbuf * chip.sbuf.partitions, "PSUM bytes": banks * chip.psum.bank_bytes * chip.psum.partitions}
    last: dict[str, int] = {}
    for each in trace(program, seen)["traceEvents"]:
        if each["ph"] == "C":
            assert 0 <= each["args"]["bytes"] <= most[each["name"]]
            last[each["name"]] = each["args"]["bytes"]
    assert set(last.values()) == {0}


def test_slices_say_their_source_line_and_what_they_waited_for() -> None:
    program = program_of(*RUNS[0])
    events = trace(program, record(program))["traceEvents"]
    slices = [each for each in events if each["ph"] == "X" and each["cat"] != "alike"]
    (place,) = {each["args"]["source"] for each in slices if each["cat"] == "matmul"}
    number = int(place.split(":")[-1])
    assert "@" in (KERNELS / "matmul.tk").read_text().split("\n")[number - 1]
    assert all(each["args"]["waited for"] for each in slices)
    alike = [each["name"] for each in events if each.get("cat") == "alike"]
    assert all(re.fullmatch(r"[\d,]+ more steps of \w+ alike", each) for each in alike)
    assert alike


def test_the_critical_path_of_a_matmul_is_its_matmuls() -> None:
    found = critical(record(program_of(*RUNS[0])))
    assert sum(found.shares.values()) == pytest.approx(1)
    name, share = next(iter(found.shares.items()))
    assert name.startswith("matmul")
    assert share > 0.9
    assert found.engines == ("tensor",)


def test_the_command_writes_it(tmp_path: Path) -> None:
    words = ["simulate", str(KERNELS / "softmax.tk"), "M=512", "N=1024", "--trace"]
    done = CliRunner().invoke(main, [*words, str(tmp_path / "t.json")])
    assert done.exit_code == 0, done.output
    assert "ui.perfetto.dev" in done.stderr
    assert json.loads((tmp_path / "t.json").read_text())["otherData"]["kernel"] == "softmax"
    lost = CliRunner().invoke(main, [*words, str(tmp_path / "nowhere" / "t.json")])
    assert lost.exit_code == 2
    assert "cannot write" in lost.stderr
