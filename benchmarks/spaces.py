"""Spaces to develop and to judge a search on: made-up GPU kernels, and parts of our own spaces as the timing model sees them.

Each is known whole, as the brute-forced spaces of real kernels are. `gpu_spaces.py` has those that a strategy may be developed
on, `held_out_spaces.py` those that it is judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

import tilery.kernels
from benchmarks import gpu_spaces, held_out_spaces
from benchmarks.brute import Brute
from tilery.tuner.model.engine_model import EngineModel
from tilery.tuner.space.configurations import Space
from tilery.tuner.space.feasibility import survey

MOST = 4000


def modelled(name: str, chip: str, shape: Mapping[str, int]) -> Brute:
    """A part of a shipped kernel's space as the timing model sees it: a random choice of what is worth timing."""
    kernel: tilery.Kernel = getattr(tilery.kernels, name)
    pipeline = kernel.pipeline(shape, chip)
    model, space = EngineModel(pipeline.program, pipeline.dims, pipeline.chip), Space(pipeline.tunables)
    feasible = survey(model, space, space.index(model.default())).order
    chosen = np.random.default_rng(0).permutation(feasible)[:MOST]
    configs = [space.config(int(index)) for index in chosen]
    table = {tuple(config.values()): model.measure(config).latency_us for config in configs}
    return Brute(f"{name} {chip}", {each.name: each.values for each in space.tunables}, table)


DEVELOPED_ON: tuple[Callable[[], Brute], ...] = (
    gpu_spaces.gemm,
    gpu_spaces.convolution,
    gpu_spaces.dedispersion,
    gpu_spaces.polygon,
)
HELD_OUT: tuple[Callable[[], Brute], ...] = (
    held_out_spaces.hotspot,
    held_out_spaces.bodies,
    held_out_spaces.operator,
    held_out_spaces.distance,
    lambda: modelled("matmul", "trn2", {"M": 1000, "K": 1024, "N": 1500}),
    lambda: modelled("matmul_kmajor", "trn1", {"M": 700, "K": 1024, "N": 1024}),
)
