"""A chip that is slower than its file says: its constants are found again from times, as far as the times tell them."""

from __future__ import annotations

import csv
import json
import random
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import tilery
from tilery.backends import engine
from tilery.backends.chips import changed, load_chip
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.explain.sweep import on_chip
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.trainium.chip_tables import trainium
from tilery.command.cli import main
from tilery.tuner.calibration import CalibrationOptions, Measurement, Problem, calibrate
from tilery.tuner.calibration.fit import left_out_error
from tilery.tuner.calibration.movable import alike

from ..specialised import specialised

KERNELS = Path(__file__).parents[2] / "kernels"
RUNS = (
    ("softmax", "M=256 N=512", "m=128"),
    ("softmax", "M=2048 N=128", "m=128"),
    ("softmax", "M=512 N=2048", "m=128"),
    ("rmsnorm", "M=512 N=2048", "m=128"),
    ("rmsnorm", "M=1024 N=256", "m=128"),
    ("matmul_kmajor", "M=256 K=512 N=512", "m=128 n=512 k=128"),
    ("matmul_kmajor", "M=256 K=1024 N=1024", "m=128 n=512 k=128"),
    ("matmul_kmajor", "M=512 K=1024 N=512", "m=256 n=512 k=256"),
    ("matmul_kmajor", "M=128 K=128 N=512", "m=128 n=512 k=128"),
)


def read(words: str) -> dict[str, int]:
    return {name: int(value) for name, value in (word.split("=") for word in words.split())}


@cache
def programs() -> tuple[EngineProgram, ...]:
    """The runs as engine programs of trn2."""
    kernels = [tilery.load(KERNELS / f"{name}.tk")[name] for name, _, _ in RUNS]
    return tuple(
        kernel.pipeline(read(shape), config=read(config)).lowered
        for kernel, (_, shape, config) in zip(kernels, RUNS, strict=True)
    )


def times(changes: list[str], noise: float = 0.0, launch: bool = False) -> list[float]:
    """What the runs take on a chip that differs from trn2."""
    drawn, chip = random.Random(1), changed(load_chip("trn2"), changes)
    began_us = chip.launch_us if launch else 0.0
    return [(latency_fs(on_chip(each, chip)) / 1e9 + began_us) * drawn.uniform(1 - noise, 1 + noise) for each in programs()]


def problem(measured: list[float], names: tuple[str, ...], launch: bool = False, factor: float = 4.0) -> Problem:
    runs = [Measurement(name, each, us) for (name, _, _), each, us in zip(RUNS, programs(), measured, strict=True)]
    return Problem(load_chip("trn2"), runs, names, launch, factor)


def table(folder: Path, measured: list[float]) -> Path:
    path = folder / "measured.csv"
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["kernel", "shape", "configuration", "microseconds", "remark"])
        for (name, shape, config), us in zip(RUNS, measured, strict=True):
            lines.writerow([KERNELS / f"{name}.tk", shape, config, us, "made up"])
    return path


def calibrated(*words: object) -> Result:
    return CliRunner().invoke(main, ["calibrate", *(str(word) for word in words)], env={"COLUMNS": "100"})


def figures(*words: object) -> dict[str, Any]:
    done = calibrated(*words, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_two_constants_are_found_again_and_written_with_their_source(tmp_path: Path) -> None:
    path, mine = table(tmp_path, times(["dma.floor_ns=*1.5", "vector.fixed_cycles=*3"], noise=0.005)), tmp_path / "mine.toml"
    names = ("dma.floor_ns", "dma.latency_ns", "tensor.fixed_cycles", "vector.fixed_cycles", "scalar.fixed_cycles")
    found = figures("trn2", path, "-o", mine, *(word for name in names for word in ("--move", name)))
    moved = {each["name"]: each for each in found["moved"]}
    before = load_chip("trn2")
    assert moved["dma.floor_ns"]["after"] == pytest.approx(1.5 * trainium(before).dma.floor_ns, rel=0.03)
    assert moved["vector.fixed_cycles"]["after"] == pytest.approx(180, rel=0.15)
    assert len(moved) == 2
    assert found["error_before"] > 0.1
    assert found["error_after"] <= found["error_left_out"] < 0.03
    new, old = mine.read_text(), (KERNELS.parent / "backends" / "trainium" / "chips" / "trn2.toml").read_text()
    assert [line for line in old.splitlines() if line.startswith("#")] == [
        line for line in new.splitlines() if line.startswith("#")
    ]
    source = tomllib.loads(new)["dma"]["source"]
    assert source.startswith(tomllib.loads(old)["dma"]["source"])
    assert "floor_ns calibrated with tilery on 9 measurements of" in source
    assert tomllib.loads(new)["scalar"] == tomllib.loads(old)["scalar"]
    made = load_chip(mine)
    assert made.fingerprint != before.fingerprint
    assert trainium(made).dma.floor_ns == pytest.approx(moved["dma.floor_ns"]["after"], rel=1e-3)


def test_a_right_chip_stays_as_it_is_and_no_file_is_written(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    done = calibrated("trn2", table(tmp_path, times([], noise=0.02)), "-o", mine, "--move", "dma.floor_ns")
    assert done.exit_code == 0, done.output
    assert "nothing moved" in done.stdout and "no file was written" in done.stdout
    assert not mine.exists()


def test_what_cannot_be_told_apart_is_named() -> None:
    """Twice and minus once the same changes; another one; and nothing at all."""
    slopes = np.array([[1, 2, 0.1, -1, 0], [3, 6.01, 0.2, -3, 0], [2, 4, 3, -2, 1e-5]])
    assert alike(("a", "b", "c", "d", "e"), slopes) == [("a", "b", "d")]


def test_constants_that_nothing_depends_on_are_named() -> None:
    found = calibrate(problem(times(["dma.latency_ns=*2"]), ("dma.latency_ns", "gpsimd.fixed_cycles")), CalibrationOptions())
    assert found.unseen == ["gpsimd.fixed_cycles"]
    (moved,) = found.moved
    assert moved.after == pytest.approx(2 * moved.before, rel=0.02)


def test_a_launch_is_fitted_where_the_times_include_it() -> None:
    found = calibrate(
        problem(times(["launch.us=*1.5"], launch=True), ("launch.us",), launch=True), CalibrationOptions(launch=True)
    )
    (moved,) = found.moved
    assert moved.after == pytest.approx(1.5 * moved.before, rel=0.02)


def test_a_constant_stops_at_its_bound() -> None:
    found = calibrate(problem(times(["dma.floor_ns=*3"]), ("dma.floor_ns",), factor=2), CalibrationOptions(factor=2))
    (moved,) = found.moved
    assert moved.at_bound and moved.after == pytest.approx(2 * moved.before, rel=0.01)


def test_no_more_constants_than_a_third_of_the_measurements() -> None:
    """Six times at random: two constants at most, and none of them by more than the factor."""
    drawn = random.Random(3)
    runs = []
    for length in range(1, 7):
        program = engine.lower(specialised("softmax", "bf16"), {"M": 128, "N": 128 * length}, load_chip("trn2"), {"m": 128})
        runs.append(Measurement(str(length), program, drawn.uniform(5, 50)))
    names = ("dma.floor_ns", "dma.latency_ns", "vector.fixed_cycles", "scalar.fixed_cycles", "dma.trigger_ns")
    found = calibrate(Problem(load_chip("trn2"), runs, names), CalibrationOptions())
    assert len(found.moved) <= 2
    for each in found.moved:
        assert 0.249 <= each.after / each.before <= 4.001


def test_the_error_left_out_is_that_of_fits_without_each_measurement() -> None:
    drawn = np.random.default_rng(0)
    slopes, wrong = drawn.normal(size=(12, 3)), drawn.normal(size=12)
    errors = []
    for row in range(12):
        others = np.arange(12) != row
        step, *_ = np.linalg.lstsq(slopes[others], wrong[others], rcond=None)
        errors.append(wrong[row] - slopes[row] @ step)
    assert left_out_error(slopes, wrong) == pytest.approx(float(np.sqrt(np.mean(np.square(errors)))))
