"""For every shipped kernel: what the tuner chooses is no worse than any of 200 random feasible configurations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tilery
from tilery.backends import engine
from tilery.tuner.model.engine_model import EngineModel
from tilery.tuner.options import Options
from tilery.tuner.space.configurations import Space

KERNELS = Path(__file__).parents[2] / "kernels"
CASES = [
    ("attention", "trn2", {"H": 4, "S": 300, "L": 500, "D": 64}),
    ("linear_gelu", "trn1", {"M": 500, "K": 768, "N": 1500}),
    ("matmul", "trn2", {"M": 512, "K": 1024, "N": 1100}),
    ("matmul_kmajor", "trn1", {"M": 700, "K": 1024, "N": 1024}),
    ("rmsnorm", "trn2", {"M": 1000, "N": 3000}),
    ("softmax", "trn1", {"M": 2048, "N": 2000}),
]


@pytest.mark.parametrize(("name", "chip", "shape"), CASES, ids=[name for name, _, _ in CASES])
def test_the_winner_is_no_worse_than_any_of_200(name: str, chip: str, shape: dict[str, int]) -> None:
    pipeline = tilery.load(KERNELS / f"{name}.tk")[name].pipeline(shape, chip)
    result = pipeline.tune(Options(budget_s=10.0))
    model = EngineModel(pipeline.program, pipeline.dims, pipeline.chip)
    latencies = [model.measure(config).latency_us for config in _random(model, Space(pipeline.tunables), 200)]
    assert len(latencies) == 200
    assert result.latency_us <= min(latencies)
    assert result.latency_us <= result.default_latency_us
    assert result.max_error <= result.tolerance


def _random(model: EngineModel, space: Space, count: int) -> list[dict[str, int | str]]:
    """Random feasible configurations, as many times over as it takes in a small space."""
    drawn = space.draw(np.random.default_rng(1), 1000)
    feasible = drawn[engine.screen(model.kernel, model.dims, model.chip, space.columns(drawn)).limit == 0]
    return [space.config(int(index)) for index in np.resize(feasible, count)]
