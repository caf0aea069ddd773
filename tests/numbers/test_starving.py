"""The tensor engine where there is little for it to do: as slow as four profiles of trn2 show it, and on paper.

Each profile gives for how long the engine was active for a matmul of 128 x 128 x 512 in bf16, 0.213 us at full speed, and what
share of the run that was. Two profiles waited for copies out of PSUM: so that only the engine's own pace is judged here, the
copying engines are as fast as gives the run's measured length.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery.backends import engine
from tilery.backends.chips import Chip, changed, load_chip
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.time.pace import paces
from tilery.backends.machine.time.resolving import Governed
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.tunable import Config

from ..specialised import specialised

SQUARE = {"M": 2048, "K": 2048, "N": 2048}
HALF = 1024
"""Matmuls of 128 x 128 x 512 in a product of 2048 x 2048 x 2048."""
RESIDENT: Config = {"m": 128, "n": 2048, "k": 2048, "hoist.a": "n", "hoist.b": "m"}
"""Both operands stay in SBUF; a row of results is four banks of PSUM."""
TILED: Config = {"m": 128, "n": 512, "k": 128, "hoist.a": "n", "buffers.a": 2, "buffers.b": 3, "buffers.c": 2}
"""A tile of b is loaded for each matmul; those of a stay, as the profile's traffic says."""


def product(config: Config, chip: Chip) -> EngineProgram:
    return engine.lower(specialised("matmul_kmajor", "bf16"), SQUARE, chip, config)


def active_us(program: EngineProgram) -> float:
    """Microseconds for which a profile shows the tensor engine active."""
    return engine.simulate(program).engines["tensor"].active_us


def taking(us: float, config: Config) -> EngineProgram:
    """The product on trn2 with copying engines so fast that the run takes that long."""
    slow, fast = 1 / 64, 64.0
    for _ in range(40):
        middle = (slow * fast) ** 0.5
        found = product(config, changed(load_chip("trn2"), [f"{name}.clock_hz=*{middle:.9f}" for name in ("vector", "scalar")]))
        slow, fast = (middle, fast) if latency_fs(found) / 1e9 > us else (slow, middle)
    return found


def test_kept_busy_it_is_at_full_speed() -> None:
    """example-bounds-analysis.md, V2: 8192 matmuls, loads hidden, active for 1,781 us, 98.9 % of the run."""
    kernel, tall = specialised("matmul_kmajor", "bf16"), {**SQUARE, "M": 16384}
    made = engine.lower(kernel, tall, load_chip("trn2"), {**RESIDENT, "buffers.acc": 2})
    assert active_us(made) == pytest.approx(1781, rel=0.07)
    assert active_us(made) / 8192 == pytest.approx(0.217, rel=0.07)


@pytest.mark.parametrize(
    ("slots", "run_us", "each_us"),
    [
        pytest.param(2, 262.0, 0.226, id="active for 88 %: two rows of results in PSUM, copied under the next product"),
        pytest.param(1, 366.0, 0.258, id="active for 72 %: one row of results, which the next product waits for"),
    ],
)
def test_with_pauses_it_slows_down(slots: int, run_us: float, each_us: float) -> None:
    """awslabs/nki-autotune: two matmuls of 2048 x 2048 x 2048, at 83 % and 59.6 % of peak."""
    made = taking(run_us, {**RESIDENT, "buffers.acc": slots})
    assert latency_fs(made) / 1e9 == pytest.approx(run_us, rel=0.001)
    assert active_us(made) / HALF == pytest.approx(each_us, rel=0.07)


def test_starving_it_is_half_as_fast() -> None:
    """redundant_te_transposes.md, V1: 1024 matmuls, each waiting for its tile of b. 420 us of 608 active."""
    assert active_us(product(TILED, load_chip("trn2"))) / HALF == pytest.approx(0.41, rel=0.07)


def test_the_pace_on_paper() -> None:
    made = taking(366.0, {**RESIDENT, "buffers.acc": 1})
    run_us, work_us = latency_fs(made) / 1e9, HALF * (512 + 10) / 2.4e3
    share = engine.simulate(made).engines["tensor"]
    assert share.busy_us == pytest.approx(work_us)
    assert work_us < 0.72 * run_us < 2 * work_us
    assert share.stretched == pytest.approx(0.72 * run_us / work_us)
    assert share.active_us == pytest.approx(0.72 * run_us)


def test_the_run_is_no_longer_for_it() -> None:
    always_fast = changed(load_chip("trn2"), ["tensor.warm_share=0"])
    assert latency_fs(product(TILED, load_chip("trn2"))) == latency_fs(product(TILED, always_fast))


def test_a_chip_without_a_limit_on_its_current_keeps_its_speed() -> None:
    assert engine.simulate(product(TILED, load_chip("trn1"))).engines["tensor"].stretched == 1


GOVERNED = Governed(0, Fraction(72, 100), Fraction(2))


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_time_it_works_never_falls_as_work_or_run_grow(work: int, rest: int, more: int) -> None:
    def time(work: int, run: int) -> float:
        return work * float(paces([GOVERNED], [work], run).get(0, 1))

    run = work + rest
    assert work <= time(work, run) <= 2 * work
    assert time(work, run) <= time(work, run + more) * (1 + 1e-12)
    assert time(work, run) <= time(work + more, run + more) * (1 + 1e-12)
