"""What starting a kernel takes: a number of the chip, in no latency unless it is asked for, and refused where nobody says it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

import tilery
from tilery.backends.chips import changed, load_chip
from tilery.command.cli import main
from tilery.dsl.errors import UsageError

SOFTMAX = Path(__file__).parents[2] / "kernels" / "softmax.tk"
SHAPE = ("M=256", "N=512")


def called(command: str, *words: str) -> Result:
    return CliRunner().invoke(main, [command, str(SOFTMAX), *SHAPE, *words], env={"COLUMNS": "100"})


def simulated(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(called("simulate", "--json", *words).stdout)
    return found


def test_a_launch_is_added_to_the_latency_and_to_nothing_else() -> None:
    without, beside = simulated(), simulated("--launch")
    launch = load_chip("trn2").launch_us
    assert 12 <= launch <= 20  # as nki.benchmark figures bear
    assert (without["launch_us"], beside["launch_us"]) == (0, launch)
    assert beside["latency_us"] == pytest.approx(without["latency_us"] + launch)
    apart = ("latency_us", "launch_us", "price_usd")
    assert {name: each for name, each in without.items() if name not in apart} == {
        name: each for name, each in beside.items() if name not in apart
    }
    assert beside["price_usd"] / without["price_usd"] == pytest.approx(beside["latency_us"] / without["latency_us"])


def test_pages_say_what_of_a_latency_is_the_launch() -> None:
    assert "with the launch: 14.5 us; the kernel" in called("simulate", "--launch").stdout
    assert "launch" not in called("simulate").stdout


def test_python_has_it_too() -> None:
    softmax = tilery.load(SOFTMAX).softmax
    kernel, whole = softmax.simulate(M=256, N=512), tilery.simulate(softmax, M=256, N=512, launch=True)
    assert whole.kernel_us == pytest.approx(kernel.latency_us)
    assert whole.latency_us == pytest.approx(kernel.latency_us + 14.5)
    with pytest.raises(UsageError, match="launch=1: True or False is expected"):
        softmax.simulate(M=256, N=512, launch=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("chip", ["trn1", "inf2", "trn3"])
def test_a_chip_of_which_nothing_is_published_says_so(chip: str) -> None:
    done = called("simulate", "--launch", "--chip", chip)
    assert done.exit_code == 2
    assert f"nothing is published of what starting a kernel takes on {chip}" in done.stderr
    assert "none is published" in CliRunner().invoke(main, ["chips", chip]).stdout


def test_compare_tells_which_chips_have_none() -> None:
    words = ("--chips", "trn2,trn3", "--budget", "0.1s", "--launch")
    trn2, trn3 = json.loads(called("compare", *words, "--json").stdout)["chips"]
    assert trn2["launch_us"] == 14.5
    assert trn2["latency_us"] > 14.5
    assert (trn3["latency_us"], trn3["launch_us"]) == (None, None)
    page = called("compare", *words).stdout
    assert "no launch time" in page
    assert "trn3: --launch: nothing is published" in page


def test_no_tuned_entry_depends_on_it() -> None:
    chip = load_chip("trn2")
    slower = changed(chip, ["launch.us=*2"])
    assert slower.launch_us == 29.0
    assert msgspec.structs.replace(slower, name=chip.name).fingerprint == chip.fingerprint
