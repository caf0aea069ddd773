"""Which configuration a kernel runs with when nobody tunes, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from tilery.backends.chips import load_chip
from tilery.backends.tunable import Config, Tunable
from tilery.tuner.model.engine_model import EngineModel
from tilery.tuner.model.protocol import Footprint, Measurement, Refused
from tilery.tuner.results.adapt import adapt, shrunk_to_fit
from tilery.tuner.results.choose import Chosen, choose, choose_for_values, pick
from tilery.tuner.results.entry import Entry, Key, Prints, RunnerUp, key_of, prints_of

from ..specialised import specialised

KEY = Key(kernel="matmul", chip="trn2", types={"T": "bf16"}, dims={"M": 1024, "N": 1024}, constants={})
PRINTS = Prints(program="0" * 16, chip="1" * 16)


@dataclass
class SmallModel:
    """Larger tiles are faster, and fit up to `most`."""

    most: int = 512
    tunables: tuple[Tunable, ...] = (
        Tunable("m", "tile", (64, 128, 256, 512), 64, ()),
        Tunable("order", "knob", ("m n", "n m"), "m n", ()),
    )

    def default(self) -> Config:
        return {"m": 64, "order": "m n"}

    def measure(self, config: Config) -> Measurement:
        if int(config["m"]) > self.most:
            raise Refused("sbuf", "too large")
        return Measurement(1000 / int(config["m"]), 1)

    def footprint(self, config: Config, tiles: Mapping[str, NDArray[np.integer]]) -> Footprint:
        raise AssertionError("choosing screens nothing")

    def canonical(self, config: Config) -> Config:
        raise AssertionError("choosing screens nothing")


def entry(m: int, key: Key = KEY, prints: Prints = PRINTS, **dims: int) -> Entry:
    return Entry(
        key=msgspec.structs.replace(key, dims={**key.dims, **dims}),
        prints=prints,
        objective="latency",
        config={"m": m, "order": "n m"},
        latency_us=1.0,
        bound="dma",
        peak_share=0.5,
        default_latency_us=2.0,
        max_error=0.0,
        tolerance=0.1,
        space=1,
        feasible=1,
        evaluated=1,
        stop="proved",
        runners_up=[],
        tilery="0.1.0",
    )


def picked(*entries: Entry, most: int = 512) -> Chosen:
    return pick(SmallModel(most), KEY, PRINTS, entries)


def test_the_tuned_entry_is_taken_without_a_word() -> None:
    chosen = picked(entry(256, M=2048), entry(128))
    assert chosen.origin == "tuned"
    assert chosen.config == {"m": 128, "order": "n m"}
    assert chosen.note("COMMAND") == ""


def test_no_entry_is_the_default_and_says_how_to_tune() -> None:
    chosen = picked()
    assert chosen.config == {"m": 64, "order": "m n"}
    assert chosen.note("COMMAND") == "no tuned entry, so the model's default is used. To tune it: COMMAND"


def test_the_nearest_shape_is_adapted() -> None:
    chosen = picked(entry(512, M=64), entry(300, M=2048))
    assert chosen.origin == "nearest"
    assert chosen.config == {"m": 256, "order": "n m"}, "300 is no choice here; 256 is nearer than 512"
    assert "the nearest one is adapted (matmul M=2048" in chosen.note("COMMAND")


def test_an_entry_that_does_not_fit_makes_way_for_the_next_one() -> None:
    assert picked(entry(512, M=2048), entry(128, M=64), most=256).config["m"] == 128


def test_a_near_entry_slower_than_the_default_is_not_taken() -> None:
    assert picked(entry(64, M=2048)).origin == "default"


@pytest.mark.parametrize("prints", [Prints(program="f" * 16, chip="1" * 16), Prints(program="0" * 16, chip="f" * 16)])
def test_a_stale_entry_is_told_and_not_used(prints: Prints) -> None:
    chosen = picked(entry(256, prints=prints))
    assert chosen.origin == "default"
    assert "1 tuned entry is stale" in chosen.note("COMMAND")


def test_another_chip_lends_loudly() -> None:
    other = msgspec.structs.replace(KEY, chip="trn1")
    chosen = picked(entry(256, key=other, prints=Prints(program="0" * 16, chip="2" * 16)))
    assert chosen.origin == "borrowed"
    assert "NO TUNED ENTRY FOR THIS CHIP" in chosen.note("COMMAND")


@pytest.mark.parametrize("change", [{"kernel": "linear"}, {"types": {"T": "f32"}}, {"constants": {"causal": True}}])
def test_entries_of_another_kernel_type_or_constant_do_not_serve(change: dict[str, object]) -> None:
    assert picked(entry(256, key=msgspec.structs.replace(KEY, **change))).origin == "default"


def test_a_tuned_entry_that_no_longer_fits_is_not_used() -> None:
    assert picked(entry(512), most=256).origin == "default"


def test_a_runner_up_serves_where_the_winner_no_longer_fits() -> None:
    slower = RunnerUp(latency_us=2.0, config={"m": 128, "order": "n m"})
    chosen = picked(msgspec.structs.replace(entry(512), runners_up=[slower]), most=256)
    assert chosen.origin == "tuned"
    assert chosen.config == slower.config


def test_adapting_keeps_what_is_there_and_takes_the_nearest_number() -> None:
    tunables = SmallModel().tunables
    assert adapt({"m": 1000, "order": "n m", "gone": 3}, tunables) == {"m": 512, "order": "n m"}
    assert adapt({"order": "sideways"}, tunables) == {"m": 64, "order": "m n"}


def test_shrinking_goes_down_until_it_fits() -> None:
    model = SmallModel(128)
    config, measured = shrunk_to_fit({"m": 512, "order": "m n"}, model.tunables, model.measure)
    assert config["m"] == 128
    assert measured.latency_us == pytest.approx(1000 / 128)
    with pytest.raises(Refused):
        shrunk_to_fit({"m": 512, "order": "m n"}, model.tunables, SmallModel(32).measure)


def test_several_cores_take_the_faster_of_two_choices() -> None:
    kernel, chip, dims = specialised("matmul", "bf16"), load_chip("trn2"), {"M": 512, "K": 512, "N": 512}
    one = choose(kernel, dims, chip, [])
    eight = choose(kernel, dims, chip, [], cores=8)
    model = EngineModel(kernel, dims, chip, 8)
    assert model.measure(eight.config).latency_us == min(model.measure(each).latency_us for each in (one.config, model.default()))
    assert eight.origin == ("cores" if dict(eight.config) != dict(one.config) else one.origin)


def test_values_come_with_the_tuned_tiles_or_the_emulator_s_own() -> None:
    kernel, chip, dims = specialised("matmul", "bf16"), load_chip("trn2"), {"M": 512, "K": 600, "N": 512}
    tuned = msgspec.structs.replace(entry(1), key=key_of(kernel, dims, chip), prints=prints_of(kernel, chip))
    good = msgspec.structs.replace(tuned, config={"m": 64, "k": 96, "n": 32})
    assert choose_for_values(kernel, dims, chip, [good]).config == good.config
    assert choose_for_values(kernel, dims, chip, [good]).note("COMMAND") == ""
    own = choose_for_values(kernel, dims, chip, [])
    assert own.origin == "emulator"
    assert own.config == {"m": 512, "n": 512, "k": 512}
    assert own.note("COMMAND").endswith("the emulator takes tile sizes of its own. To tune it: COMMAND")


BAD = [{"m": 64, "n": 32}, {"m": 64, "k": 0, "n": 32}, {"m": 64, "k": "96", "n": 32}]


@pytest.mark.parametrize("config", BAD)
def test_an_entry_that_misses_a_tile_size_is_not_taken_for_values(config: dict[str, int | str]) -> None:
    kernel, chip, dims = specialised("matmul", "bf16"), load_chip("trn2"), {"M": 512, "K": 600, "N": 512}
    bad = msgspec.structs.replace(entry(1), key=key_of(kernel, dims, chip), prints=prints_of(kernel, chip), config=config)
    assert choose_for_values(kernel, dims, chip, [bad]).origin == "emulator"


def test_a_stale_entry_is_told_to_who_wants_values() -> None:
    kernel, chip, dims = specialised("matmul", "bf16"), load_chip("trn2"), {"M": 512, "K": 600, "N": 512}
    stale = msgspec.structs.replace(entry(1), key=key_of(kernel, dims, chip))
    assert "1 tuned entry is stale" in choose_for_values(kernel, dims, chip, [stale]).note("COMMAND")
