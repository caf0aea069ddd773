"""What is shown while a tuning runs, and what it says at the end of which knobs mattered."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

import tilery.kernels
from tilery.backends.machine.errors import Infeasible
from tilery.command.cli import main
from tilery.pages.progress_page import line, page, watching
from tilery.tuner.importance import Importance, importances, spread_shares
from tilery.tuner.model.engine_model import EngineModel
from tilery.tuner.progress import Progress
from tilery.tuner.space.configurations import Space
from tilery.tuner.space.feasibility import survey

MATMUL = Path(__file__).parents[2] / "kernels" / "matmul.tk"
BEST: dict[str, int | str] = {"m": 128, "n": 512, "P": "bf16", "buffers.a": 2}
SEARCH = Progress("search", 400, 1400, 8.0, 0.4, 100.0, BEST, 250.0, "tensor", 0.125)


def shown(now: Progress) -> str:
    console = Console(file=io.StringIO(), width=110)
    console.print(page(now))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_search_shows_all_that_a_person_wants_to_know() -> None:
    text = shown(SEARCH)
    for word in ("searching", "40 %", "0:12 left", "400 timed (50/s)", "1,000 could still win"):
        assert word in text
    assert "100.0 us (2.50x the default), bound by tensor, none can be more than 12.5 % better" in text
    assert "m=128 n=512 P=bf16" in text
    assert "buffers" not in text
    assert len(text.splitlines()) == 3, text


def test_other_stages_and_objectives() -> None:
    assert "40 of 100 configurations" in shown(Progress("screen", 40, 100, 1.0, 0.4))
    assert "executing" in shown(Progress("verify", 1, 8, 3.0, 0.0, 100.0, BEST, 250.0))
    several = Progress("search", 9, 9, 1.0, 0.9, 10.0, BEST, 20.0, "dma", 0.0, {"latency_us": 10.0, "energy_j": 0.0021}, 4)
    assert "10.0 us (2.00x the default), 2.1 mJ, bound by dma, and none can be better; 4 on the front" in shown(several)
    assert "\n" not in line(several)


def test_without_a_terminal_it_is_quiet_and_line_by_line() -> None:
    file = io.StringIO()
    with watching(Console(file=file, width=80)) as watch:
        for second in range(12):
            watch(Progress("search", second, 100, float(second), 0.1, 100.0, BEST, 250.0))
        watch(Progress("verify", 0, 8, 13.0, 0.0, 100.0, BEST, 250.0))
    lines = file.getvalue().splitlines()
    assert len(lines) == 4
    assert "\x1b" not in file.getvalue()
    assert lines[0].startswith("searching: 0 s")
    assert lines[-1].startswith("verifying: number 1, best 100.0 us")


def test_what_matters_is_what_changes_the_latency() -> None:
    pipeline = tilery.kernels.rmsnorm.pipeline({"M": 2048, "N": 1024, "T": "bf16"}, "trn2")
    model = EngineModel(pipeline.program, pipeline.dims, pipeline.chip)
    space, winner = Space(model.tunables), model.default()
    landscape = survey(model, space, space.index(winner))
    shares = spread_shares(space, landscape)
    assert all(0 <= each <= 1 for each in shares.values())
    assert set(sorted(shares, key=lambda name: shares[name])[-2:]) == {"m", "hoist.weight"}
    assert all(share < 1e-3 for name, share in shares.items() if name.startswith("buffers")), "bounds see no slots"
    found = {each.name: each for each in importances(model, landscape, winner)}
    others = [latency_us(model, {**winner, "m": size}) for size in space.tunables[0].values if size != winner["m"]]
    timed = [each for each in others if each is not None]
    assert found["m"].max_loss == pytest.approx(max(timed) / model.measure(winner).latency_us)
    assert found["m"].misfits == len(others) - len(timed)
    assert [each.rank for each in found.values()] == sorted((each.rank for each in found.values()), reverse=True)


def latency_us(model: EngineModel, config: dict[str, int | str]) -> float | None:
    try:
        return model.measure(config).latency_us
    except Infeasible:
        return None


def test_the_last_page_says_what_mattered_and_how_to_go_on(tmp_path: Path) -> None:
    words = ["autotune", str(MATMUL), "M=256", "K=256", "N=256", "--trials", "12", "--output", f"{tmp_path}/x.json"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert re.search(r"what mattered +latency otherwise", done.stdout)
    assert re.search(r"\n +\S+=\S+ +\d\.\d\dx +\d\.\d\dx", done.stdout)
    assert f"to go on       tilery {' '.join(words)} --continue" in done.stdout


def test_ranks_put_what_matters_first() -> None:
    one, other = Importance("a", 0.1, 2.0, 3.0, 0), Importance("b", 0.9, None, None, 1)
    assert sorted([other, one], key=lambda each: each.rank, reverse=True) == [one, other]
