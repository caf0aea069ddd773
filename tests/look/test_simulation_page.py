"""The page of a prediction: what a person reads, and that the figures under it hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.explain.sweep import sweep
from tilery.backends.machine.time.energy import energy, price_usd
from tilery.backends.machine.time.run_traffic import traffic
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.tunable import Config
from tilery.command.cli import main
from tilery.dsl import load
from tilery.dsl.types import ELEMENT_TYPES

KERNELS = Path(__file__).parents[2] / "kernels"
MATMUL = ["matmul.tk", "M=2048", "K=4096", "N=14336"]


def page(*words: str) -> str:
    done = CliRunner().invoke(main, ["simulate", str(KERNELS / words[0]), *words[1:]], env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    return done.stdout


def program_of(name: str, chip: str = "trn2", given: Config | None = None, **dims: int) -> EngineProgram:
    kernel = load(KERNELS / f"{name}.tk").kernels[name].specialise({"T": ELEMENT_TYPES["bf16"]}, {})
    return engine.lower(kernel, dims, load_chip(chip), engine.default_config(kernel, dims, load_chip(chip), given))


def test_the_page_fits_80_columns_and_says_what_would_help() -> None:
    text = page(*MATMUL)
    assert max(map(len, text.split("\n"))) <= 80
    assert "a 10 % faster tensor engine: " in text
    assert "--what-if tensor.clock_hz=+10%" in text
    assert "the tensor engine never pauses" in text
    for word in ("latency", "bound", "critical", "would help", "peak", "bandwidth", "SBUF", "PSUM", "energy", "price", "stalled"):
        assert word in text


def test_a_waiting_kernel_says_what_waits_for_what() -> None:
    text = page("attention.tk", "H=8", "S=2048", "L=2048", "D=128")
    assert "waits for" in text


def test_a_chip_without_a_price_shows_none() -> None:
    assert "USD" not in page(*MATMUL, "--chip", "trn3")


def test_figures_for_machines() -> None:
    data = json.loads(page(*MATMUL, "--json"))
    for share in data["engines"].values():
        assert 0 <= share["stalled_share"] <= 1
        assert share["busy_share"] + share["stalled_share"] <= 1 + 1e-9
    gains = [each["gain"] for each in data["improvements"]]
    assert gains == sorted(gains, reverse=True)
    assert data["improvements"][0]["latency_us"] == pytest.approx(data["latency_us"] * (1 - gains[0]))


def test_what_the_sweep_promises_the_command_line_gives() -> None:
    best = sweep(program_of("softmax", M=4096, N=4096))[0]
    words = best.how.split()
    again = json.loads(page("softmax.tk", "M=4096", "N=4096", *words, "--json"))
    assert again["latency_us"] == pytest.approx(best.latency_us, rel=0.02)


def test_no_improvement_makes_it_slower() -> None:
    for program in (program_of("softmax", M=300, N=700), program_of("matmul", M=201, K=333, N=517)):
        assert all(each.latency_us <= latency_fs(program) / 1e9 * (1 + 1e-9) for each in sweep(program))


def test_traffic_of_a_matmul_is_counted_by_hand() -> None:
    program = program_of("matmul_kmajor", given={"n": 512, "accumulate.acc": "psum"}, M=128, K=256, N=512)
    used = traffic(program)
    assert used.macs == {"bf16": 128 * 256 * 512}
    assert used.hbm_bytes == 2 * (128 * 256 + 256 * 512 + 128 * 512)
    assert used.operands["sbuf"] == 2 * (128 * 256 + 256 * 512)
    # Two blocks of the contracted axis into f32 sums, which are read once.
    assert used.moved["psum"] == 4 * 128 * 512 * 3


def test_energy_and_price_are_their_formulas() -> None:
    program = program_of("matmul_kmajor", M=128, K=256, N=512)
    used, chip = traffic(program), program.chip
    found = energy(chip, used)
    assert found is not None
    assert chip.energy is not None
    assert found.products_j == pytest.approx(chip.energy.pj_per_mac["bf16"] * 128 * 256 * 512 * 1e-12)
    assert found.moved_j["hbm"] == pytest.approx(chip.energy.pj_per_hbm_byte * used.hbm_bytes * 1e-12)
    assert price_usd(chip, 3600e6, cores=8) == pytest.approx(35.7608 / 16)
    assert price_usd(load_chip("trn3"), 1.0) is None


def test_a_tensor_engine_that_starves_is_said_to_be_active_for_longer() -> None:
    figures = json.loads(page(str(KERNELS / "matmul.tk"), "M=128", "K=128", "N=512", "--json"))["engines"]["tensor"]
    assert figures["active_us"] == pytest.approx(2 * figures["busy_us"])
    told = page(str(KERNELS / "matmul.tk"), "M=128", "K=128", "N=512")
    assert "stretched      a profile shows the tensor engine active 2.00 times as long" in told
    assert "stretched" not in page(str(KERNELS / "matmul.tk"), "M=128", "K=128", "N=512", "--chip", "trn1")
