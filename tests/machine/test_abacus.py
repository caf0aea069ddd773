"""The protocol of a family is enough: a made-up one is lowered, timed, bounded, executed, drawn and tuned by what there is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tilery.backends import engine, families
from tilery.backends.chips import Chip, ChipError, changed, load_chip
from tilery.backends.machine.explain.recording import record
from tilery.backends.machine.explain.roofline import roofline
from tilery.backends.machine.explain.waterfall import waterfall
from tilery.backends.machine.listing import print_engine_program
from tilery.backends.machine.time.bounds import lower_bound_s, upper_bound_s
from tilery.backends.numbers.rounding import Array
from tilery.backends.truth.data import random_arguments
from tilery.command.cli import main
from tilery.dsl import parse

from .abacus import FAMILY

CHIP = """
family = "abacus"
name = "abacus-1"
title = "A made-up chip"
cores = { count = 2, source = "made up" }
scratch = { bytes = 65536, source = "made up" }
beads = { clock_hz = 1e9, setup_ns = 10, source = "made up" }
hbm = { bytes_per_s = 1e9, source = "made up" }
"""
SOFTMAX = """kernel soft(x: f32[M, N]) -> y: f32[M, N]:
    tile m of M:
        e = exp(x[m, N] - max[N](x[m, N]))
        y[m, N] = e / sum[N](e)
"""
MATMUL = """kernel product(a: f32[M, K], b: f32[K, N]) -> c: f32[M, N]:
    tile m of M, n of N:
        c[m, n] = a[m, K] @ b[K, n]
"""
DIMS = {"soft": {"M": 37, "N": 24}, "product": {"M": 37, "N": 24, "K": 20}}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(families._loaded, "abacus", FAMILY)
    file = tmp_path / "mine.toml"
    file.write_text(CHIP)
    return file


@pytest.fixture
def chip(path: Path) -> Chip:
    return load_chip(path)


def lowered(text: str, chip: Chip) -> engine.EngineProgram:
    ((name, definition),) = parse(text).kernels.items()
    kernel = definition.specialise({}, {})
    return engine.lower(kernel, DIMS[name], chip, engine.default_config(kernel, DIMS[name], chip))


def test_a_chip_file_names_its_family(path: Path, chip: Chip) -> None:
    assert chip.family == "abacus" and changed(chip, ["beads.clock_hz=*2"]).peak_flops == 4e9
    path.write_text(CHIP.replace("setup_ns", "setup_us"))
    with pytest.raises(ChipError, match=r"beads\.setup_us: there is no such field; did you mean setup_ns"):
        load_chip(path)
    path.write_text(CHIP.replace('"abacus"', '"abakus"'))
    with pytest.raises(ChipError, match="family: there is no 'abakus'; did you mean abacus"):
        load_chip(path)


def soft(x: Array) -> Array:
    e = np.exp(x - x.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


@pytest.mark.parametrize(("text", "expected"), [(SOFTMAX, soft), (MATMUL, lambda a, b: a @ b)], ids=["softmax", "matmul"])
def test_values_times_and_bounds(text: str, expected: Callable[..., Array], chip: Chip) -> None:
    made = lowered(text, chip)
    arguments = random_arguments(made.kernel, made.dims, 0)
    (got,) = engine.execute(made, arguments).values()
    assert np.allclose(got, expected(**arguments), rtol=1e-5, atol=1e-6)
    report, latency_s = engine.simulate(made), engine.latency_fs(made) * 1e-15
    assert engine.latency_fs(made) == engine.latency_fs(made, jump=False)
    low, high = (float(each(made.structure, made.dims, made.tiles)) for each in (lower_bound_s, upper_bound_s))
    assert 0 < low <= latency_s * (1 + 1e-9) <= high * (1 + 2e-9)
    assert set(report.engines) == {"beads", "copy"} and report.memories["scratch"].used <= 65536
    assert report.flops == (2 * 37 * 24 * 20 if text is MATMUL else 0)
    assert record(made).queues == ("beads", "copy")
    assert waterfall(made)[-1].total_us == pytest.approx(report.latency_us)
    assert roofline(made, report.latency_us).levels[0].name == "HBM"
    assert "bytes" in print_engine_program(made)


def test_what_does_not_fit_is_told_in_the_family_s_words(chip: Chip) -> None:
    kernel = parse(SOFTMAX).kernels["soft"].specialise({}, {})
    with pytest.raises(engine.Infeasible, match=r"65,536 bytes of scratch") as raised:
        engine.lower(kernel, {"M": 64, "N": 1024}, chip, {"m": 64})
    assert raised.value.limit == "scratch"
    with pytest.raises(engine.Infeasible, match=r"--what-if scratch\.bytes="):
        engine.default_config(kernel, {"M": 64, "N": 100_000}, chip)


def test_commands_take_it_as_any_chip(path: Path, tmp_path: Path) -> None:
    kernel = tmp_path / "soft.tk"
    kernel.write_text(SOFTMAX)

    def said(command: str, *more: str) -> str:
        result = CliRunner().invoke(main, [command, str(kernel), "M=37", "N=24", "--chip", str(path), *more])
        assert result.exit_code == 0, result.output
        return result.output

    assert "the beads" in said("simulate") or "copying" in said("simulate")
    figures = json.loads(said("simulate", "--json"))
    assert figures["scratch_bytes_available"] == 65536
    said("simulate", "--trace", str(tmp_path / "trace.json"))
    assert "scratch" in said("explain") and "slide" in said("show", "--stage", "engine")
    assert "written to" in said("autotune", "--budget", "3s")
    assert "what computes" in CliRunner().invoke(main, ["chips", str(path)]).output
