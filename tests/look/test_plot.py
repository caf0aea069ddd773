"""The picture and the figures in it; and what is said where matplotlib is missing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.explain.roofline import roofline
from tilery.backends.machine.explain.waterfall import Step, waterfall
from tilery.backends.machine.time.timing import latency_fs
from tilery.command.cli import main
from tilery.dsl import load
from tilery.dsl.types import ELEMENT_TYPES

KERNELS = Path(__file__).parents[2] / "kernels"


def program_of(name: str, chip: str = "trn2", config: Mapping[str, int | str] | None = None, **dims: int) -> EngineProgram:
    return lowered(name, chip, dims, config or {})


def lowered(name: str, chip: str, dims: Mapping[str, int], config: Mapping[str, int | str]) -> EngineProgram:
    kernel = load(KERNELS / f"{name}.tk").kernels[name].specialise({"T": ELEMENT_TYPES["bf16"]}, {})
    chosen = engine.default_config(kernel, dims, load_chip(chip)) | dict(config)
    return engine.lower(kernel, dims, load_chip(chip), chosen)


def losses(program: EngineProgram) -> dict[str, Step]:
    return {step.name: step for step in waterfall(program)}


def plot(path: Path, name: str = "softmax", *dims: str) -> Result:
    return CliRunner().invoke(main, ["simulate", str(KERNELS / f"{name}.tk"), *(dims or ("M=300", "N=700")), "--plot", str(path)])


@pytest.mark.parametrize(
    ("name", "chip", "dims"),
    [
        ("matmul", "trn2", {"M": 2048, "K": 4096, "N": 14336}),
        ("matmul_kmajor", "trn1", {"M": 131, "K": 259, "N": 613}),
        ("softmax", "trn3", {"M": 1000, "N": 777}),
        ("attention", "trn2", {"H": 2, "S": 300, "L": 500, "D": 64}),
    ],
)
def test_the_losses_add_up_to_the_run(name: str, chip: str, dims: dict[str, int]) -> None:
    program = lowered(name, chip, dims, {})
    steps = waterfall(program)
    assert all(step.adds_us >= 0 for step in steps)
    assert sum(step.adds_us for step in steps) == pytest.approx(latency_fs(program) / 1e9)
    assert steps[0].name == "ideal"
    assert steps[0].adds_us > 0


def test_each_loss_shows_where_it_is_made() -> None:
    even = losses(program_of("matmul_kmajor", M=512, K=512, N=1024))
    ragged = losses(program_of("matmul_kmajor", config={"m": 128, "n": 512, "k": 128}, M=513, K=512, N=1024))
    assert even["tails"].adds_us == 0
    assert ragged["tails"].adds_us > 0
    one = losses(program_of("softmax", config={"buffers.x": 1, "buffers.y": 1, "stages.m": 1}, M=2048, N=2048))
    many = losses(program_of("softmax", config={"buffers.x": 3, "buffers.y": 3, "stages.m": 1}, M=2048, N=2048))
    assert one["buffer stalls"].adds_us > many["buffer stalls"].adds_us


def test_the_ideal_of_a_matmul_is_its_products_at_peak() -> None:
    assert losses(program_of("matmul", M=2048, K=4096, N=14336))["ideal"].adds_us == pytest.approx(
        2 * 2048 * 4096 * 14336 / (2 * 128 * 128 * 2.4e9) * 1e6
    )


def test_the_roofline_holds() -> None:
    for program in (program_of("matmul", M=512, K=512, N=512), program_of("softmax", M=512, N=512)):
        roof = roofline(program, latency_fs(program) / 1e9)
        assert 0 < roof.achieved_per_s <= roof.peak_per_s
        for level in roof.levels:
            assert roof.achieved_per_s <= level.bytes_per_s * level.operations_per_byte * (1 + 1e-9), level.name


@pytest.mark.parametrize("words", [("softmax", "M=4096", "N=4096"), ("attention", "H=1", "S=256", "L=256", "D=64")])
def test_a_picture_is_drawn(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = plot(tmp_path / "p.png", *words)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "p.png").stat().st_size > 30_000


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "p.png", tmp_path / "p.nonsense"):
        done = plot(path)
        assert done.exit_code == 2
        assert f"cannot write {path}" in done.stderr


def test_without_matplotlib_one_message_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = plot(tmp_path / "p.png")
    assert done.exit_code == 2
    assert done.stderr.strip().endswith("pip install 'tilery[plot]'")
    assert "Traceback" not in done.stderr


def test_a_kernel_that_only_moves_data_has_a_picture(tmp_path: Path) -> None:
    kernel = Path(__file__).parents[1] / "kernels" / "embedding.tk"
    words = ["simulate", f"{kernel}:embedding", "S=2", "V=3", "D=12", "--plot", str(tmp_path / "p.png")]
    outcome = CliRunner().invoke(main, words)
    assert outcome.exit_code == 0, outcome.output
    assert (tmp_path / "p.png").stat().st_size > 10_000
