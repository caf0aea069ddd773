"""Objectives other than latency, and precision as a choice, on the engine model itself and on the command line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.time.energy import energy, price_usd
from tilery.backends.machine.time.run_traffic import traffic
from tilery.command.cli import main
from tilery.dsl import load
from tilery.dsl.types import BF16, F32
from tilery.tuner.model.front import dominates
from tilery.tuner.options import Options
from tilery.tuner.results.choose import choose
from tilery.tuner.results.entry import entry_of, key_of, prints_of
from tilery.tuner.results.store import TunedFile
from tilery.tuner.space import cells, feasibility
from tilery.tuner.space.configurations import Space

from .tuned import tuned

ROOT = Path(__file__).parents[2]
MIXED = ROOT / "examples" / "mixed_matmul.tk"
SMALL = {"M": 256, "K": 256, "N": 256}


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in words])


@pytest.fixture(autouse=True)
def _smaller_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a space too large to screen whole, fewer structures and configurations: what is tested does not need the best."""
    monkeypatch.setattr(cells, "WHOLE", 100_000)
    monkeypatch.setattr(feasibility, "STRUCTURES", 24)
    monkeypatch.setattr(feasibility, "SAMPLE", 24)
    monkeypatch.setattr(feasibility, "CLIMB", 12)


def _drawn(space: Space, generator: np.random.Generator, count: int, structures: int) -> NDArray[np.int64]:
    """Random configurations of few structures."""
    digits = np.repeat(space.groups(generator, structures), -(-count // structures), axis=0)
    digits[:, space.numbers] = generator.integers(space.radices[space.numbers], size=(len(digits), int(space.numbers.sum())))
    return np.unique(space.indices(digits))


@pytest.mark.parametrize(
    ("name", "dims"),
    [("matmul", {"M": 512, "K": 513, "N": 1000}), ("attention", {"H": 2, "S": 300, "L": 500, "D": 64})],
)
def test_the_energy_of_arrays_is_that_of_each(name: str, dims: dict[str, int]) -> None:
    kernel = load(ROOT / "kernels" / f"{name}.tk").kernels[name].specialise({"T": BF16}, {})
    chip = load_chip("trn2")
    space = Space(engine.tunables(kernel, dims, chip))
    drawn = _drawn(space, np.random.default_rng(0), 2000, 12)
    found = engine.screen(kernel, dims, chip, space.columns(drawn), energies=True)
    assert found.energy_j is not None
    for place in np.flatnonzero(found.limit == 0)[:12]:
        used = energy(chip, traffic(engine.lower(kernel, dims, chip, space.config(int(drawn[place])))))
        assert used
        assert found.energy_j[place] == pytest.approx(used.total_j, rel=1e-12)


def test_energy_is_minimised_and_proved() -> None:
    kernel, chip = load(ROOT / "kernels" / "matmul.tk").kernels["matmul"].specialise({"T": BF16}, {}), load_chip("trn2")
    found = tuned(kernel, SMALL, chip, Options(objective="energy", trials=200))
    assert found.objective == "energy"
    space = Space(engine.tunables(kernel, SMALL, chip))
    drawn = _drawn(space, np.random.default_rng(1), 10_000, 24)
    screened = engine.screen(kernel, SMALL, chip, space.columns(drawn), energies=True)
    assert screened.energy_j is not None
    assert found.values["energy_j"] <= screened.energy_j[screened.limit == 0].min() * (1 + 1e-9)
    assert found.stop in ("proved", "exhausted")
    used = energy(chip, traffic(engine.lower(kernel, SMALL, chip, found.config)))
    assert used
    assert found.values["energy_j"] == pytest.approx(used.total_j)
    assert found.max_error <= found.tolerance


def test_a_front_is_kept_whole_and_its_fastest_is_called(tmp_path: Path) -> None:
    kernel, chip = load(ROOT / "kernels" / "matmul.tk").kernels["matmul"].specialise({"T": BF16}, {}), load_chip("trn2")
    found = tuned(kernel, SMALL, chip, Options(objective="latency,energy", trials=250))
    values = [tuple(each.values.values()) for each in found.front]
    assert len(values) > 1
    assert not any(dominates(one, other) for one in values for other in values)
    assert found.config == found.front[0].config
    assert all(each.max_error <= each.tolerance for each in found.front)
    key, prints = key_of(kernel, SMALL, chip), prints_of(kernel, chip)
    store = TunedFile(tmp_path / "matmul.tuned.json")
    store.write(entry_of(found, key, prints, "0"))
    thrifty = tuned(kernel, SMALL, chip, Options(objective="energy", trials=20))
    store.write(entry_of(thrifty, key, prints, "0"))
    entries = store.read()
    assert [len(each.front) for each in entries] == [0, len(values)]
    assert choose(kernel, SMALL, chip, entries).config == found.config


def test_the_price_is_the_latency_s_and_what_a_chip_lacks_is_said() -> None:
    kernel = load(ROOT / "kernels" / "softmax.tk").kernels["softmax"].specialise({"T": BF16}, {})
    chip = load_chip("trn2")
    found = tuned(kernel, {"M": 256, "N": 512}, chip, Options(objective="cost", trials=20))
    assert found.values["cost_usd"] == pytest.approx(price_usd(chip, found.latency_us))
    for words, said in [
        (("--chip", "trn3", "--objective", "cost"), "trn3 has no numbers for what a run costs: its file has no [price]"),
        (("--objective", "energi"), "did you mean `energy`?"),
        (("--objective", "energy,energy"), "twice"),
        (("--plot", "p.png"), "--objective latency,energy"),
        (("T=f8e4m3", "--objective", "energy"), "trn2 has no energy for an element type that this kernel multiplies"),
    ]:
        done = run("autotune", ROOT / "kernels" / "matmul.tk", "M=256", "K=256", "N=256", *words)
        assert done.exit_code == 2
        assert said in done.stderr


# --- precision --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("allowed", "chosen"), [(None, "f32"), (1e-5, "f32"), (1e-2, "f16"), (0.5, "f8e4m3")])
def test_the_shortest_type_that_is_accurate_enough(allowed: float | None, chosen: str) -> None:
    kernel = load(MIXED).kernels["mixed_matmul"].specialise({"T": F32}, {})
    # Large enough for the tensor engine to matter: two rows of 8-bit floats go in at once.
    options = Options(max_error=allowed, trials=60, sampler="brute")
    found = tuned(kernel, {"M": 1024, "K": 2048, "N": 1024}, load_chip("trn2"), options)
    assert found.config["P"] == chosen
    assert found.max_error <= (allowed or 1e-5)
    assert found.default_config["P"] == "f32"
    assert ("precision" in found.ruled_out) == (allowed is None)


def test_error_as_an_objective_gives_a_point_a_type() -> None:
    kernel = load(MIXED).kernels["mixed_matmul"].specialise({"T": F32}, {})
    found = tuned(kernel, {"M": 1024, "K": 1024, "N": 1024}, load_chip("trn2"), Options(objective="latency,error", trials=80))
    types = [each.config["P"] for each in found.front]
    assert types[0] != "f32"
    assert types[-1] == "f32"
    errors = [each.values["error"] for each in found.front]
    assert errors == sorted(errors, reverse=True)


def test_untuned_calls_keep_the_types_of_the_text() -> None:
    kernel = load(MIXED).kernels["mixed_matmul"].specialise({"T": F32}, {})
    dims, chip = {"M": 512, "K": 512, "N": 512}, load_chip("trn2")
    assert engine.default_config(kernel, dims, chip)["P"] == "f32"
    assert engine.default_config(kernel, dims, chip, {"P": "bf16"})["P"] == "bf16"


def test_an_error_bound_that_nothing_meets_is_said() -> None:
    done = run("autotune", MIXED, "M=128", "K=128", "N=128", "T=f32", "--max-error", "1e-12")
    assert done.exit_code == 2
    assert "P=f32:" in done.stderr
    assert "P=f8e4m3:" in done.stderr
    assert "allow more with --max-error" in done.stderr


def test_the_command_draws_and_tells_the_front(tmp_path: Path) -> None:
    done = run(
        *("autotune", ROOT / "kernels" / "matmul.tk", "M=256", "K=256", "N=256", "--trials", "250"),
        *("--objective", "latency,energy", "--output", tmp_path / "x.json", "--plot", tmp_path / "front.png"),
    )
    assert done.exit_code == 0, done.output
    assert "the front: none of these beats another" in done.stdout
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")
    (entry,) = msgspec.json.decode((tmp_path / "x.json").read_bytes())["entries"]
    assert len(entry["front"]) > 1
    assert set(entry["front"][0]["values"]) == {"latency_us", "energy_j"}
    assert entry["values"]["latency_us"] == entry["latency_us"]
