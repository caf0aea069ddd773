"""Several cores: which loops are dealt out, that no core has more than the definition gives it, and what is told of it."""

from __future__ import annotations

import json
from itertools import product
from math import prod
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.choosing.assemble import lowering
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.time.dealing import busiest_share, busy_cores, dealt_loops
from tilery.command.cli import main
from tilery.dsl import parse
from tilery.dsl.program import Program
from tilery.tuner.results.store import TunedFile

HEADS = """
kernel heads(q: T[B, G, R, S, D], w: T[B, S, D]) -> y: T[B, G, R, S, D]:
    tile b of B by 1, g of G by 1, r of R by 1, s of S:
        y[b, g, r, s, D] = exp(q[b, g, r, s, D]) * w[b, s, D]
"""


def heads() -> Program:
    return next(iter(parse(HEADS.replace("T[", "f32[")).kernels.values())).specialise({}, {})


def program(dims: dict[str, int], tile: int, cores: int) -> EngineProgram:
    kernel, chip = heads(), load_chip("trn2")
    config = {**engine.default_config(kernel, dims, chip, {"s": tile}), "hoist.w": "r"}
    return engine.lower(kernel, dims, chip, config, cores)


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.integers(1, 9)] * 3), st.integers(1, 300), st.integers(2, 8))
def test_the_busiest_core_has_as_little_as_can_be(outer: tuple[int, int, int], length: int, cores: int) -> None:
    """Against every way to split four loops."""
    dims = dict(zip("BGR", outer, strict=True)) | {"S": length, "D": 8}
    found = dealt_loops(program(dims, 64, cores))
    steps = [each.steps for each in found]
    assert steps == [*outer, -(-length // 64)]
    ways = (way for way in product(range(1, cores + 1), repeat=4) if prod(way) <= cores)
    least = min(prod(-(-each // over) for each, over in zip(steps, way, strict=True)) for way in ways)
    assert prod(-(-each.steps // each.cores) for each in found) == least
    assert busiest_share(heads(), dims, {"s": 64}, cores) == pytest.approx(least / prod(steps))


def test_the_second_loop_is_dealt_out_where_the_first_has_one_step() -> None:
    """`tile b, g, r` at B=1 left seven of eight cores idle."""
    dims = {"B": 1, "G": 4, "R": 6, "S": 128, "D": 64}
    one, eight = (engine.simulate(program(dims, 128, cores)) for cores in (1, 8))
    assert (eight.busy_cores, eight.dealt) == (8, {"b": 1, "g": 4, "r": 2, "s": 1})
    assert eight.latency_us < one.latency_us / 4
    # w is loaded outside r: the two cores that share a g load it twice.
    assert eight.hbm_bytes - one.hbm_bytes == 4 * 128 * 64 * 4


def test_a_hoisted_load_of_a_summed_axis_is_whole_on_every_core() -> None:
    """A loop that only loads was dealt out like the tile loops, and every core had a part of what it sums over."""
    text = """
kernel f(a: f32[K, M], b: f32[K, N]) -> c: f32[M, N]:
    tile m of M, n of N:
        s = zeros[m, n]
        for k of K:
            s += dot[k](a[k, m], b[k, n])
        c[m, n] = s
"""
    kernel, chip, dims = parse(text).kernels["f"].specialise({}, {}), load_chip("trn2"), {"M": 512, "N": 512, "K": 1024}
    structure = lowering(kernel, chip).structure({"hoist.b": "m"})
    sizes = {"m": 64, "n": 512, "k": 128, **{each.slots: 1 for each in structure.buffers if isinstance(each.slots, str)}}
    one, eight = (EngineProgram(structure, dims, sizes, cores) for cores in (1, 8))
    assert (busy_cores(one), busy_cores(eight)) == (1, 8)
    loads = [engine.simulate(each).engines["dma"].instructions for each in (one, eight)]
    # 8 loads of b on each of the cores; 64 of a and 8 stores shared.
    assert loads == [8 + 64 + 8, 8 + 8 + 1]


def test_idle_cores_are_told(tmp_path: Path) -> None:
    file = tmp_path / "heads.tk"
    file.write_text(HEADS)
    words = ["simulate", str(file), "B=1", "G=1", "R=3", "S=128", "D=64", "--cores", "8"]
    said = CliRunner().invoke(main, words, env={"COLUMNS": "120"})
    assert "3 of 8 busy: r over 3 dealt out" in said.stdout
    assert "the independent loops have b 1 x g 1 x r 3 x s 1 steps" in said.stdout
    figures = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert (figures["cores"], figures["busy_cores"], figures["dealt"]["r"]) == (8, 3, 3)


def test_entries_of_different_core_counts_stand_side_by_side(tmp_path: Path) -> None:
    file = tmp_path / "k.tk"
    file.write_text("kernel k(x: f32[M, N]) -> y: f32[M, N]:\n    tile m of M:\n        y[m, N] = exp(x[m, N])\n")
    shape = [str(file), "M=1000", "N=512"]
    for more in ([], ["--cores", "8"], ["--cores", "2", "--jobs", "2"]):
        done = CliRunner().invoke(main, ["autotune", *shape, "--trials", "30", *more])
        assert done.exit_code == 0, done.output
    entries = {each.key.cores: each for each in TunedFile(tmp_path / "k.tuned.json").read()}
    assert set(entries) == {1, 2, 8}
    assert '"cores": 1' not in (tmp_path / "k.tuned.json").read_text()
    for cores, entry in entries.items():
        figures = json.loads(CliRunner().invoke(main, ["simulate", *shape, "--cores", str(cores), "--json"]).stdout)
        assert figures["latency_us"] == pytest.approx(entry.latency_us)
        assert figures["origin"] == "tuned"
        assert figures["busy_cores"] == cores


def test_more_cores_than_there_are(tmp_path: Path) -> None:
    file = tmp_path / "heads.tk"
    file.write_text(HEADS)
    done = CliRunner().invoke(main, ["autotune", str(file), "B=1", "G=1", "R=3", "S=128", "D=64", "--cores", "99"])
    assert done.exit_code == 2
    assert "trn2 has 8 cores; 99 cannot share the work" in done.stderr
