"""The kernels that are held beside programs written by hand compute what their references say: emulated, and executed exactly."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.tunable import Choice
from tilery.dsl import load
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

from ..test_exact import check

FOLDER = Path(__file__).parents[2] / "kernels" / "experts"
KERNELS = {name: kernel for path in sorted(FOLDER.glob("*.tk")) for name, kernel in load(path).kernels.items()}
DIMS = {"S": 141, "L": 203, "D": 37, "N": 71, "C": 75, "W": 133, "R": 3, "M": 139, "K": 77, "E": 33, "B": 2, "G": 2}
SHAPES = {
    "token_major_attention": {"R": 2, "S": 131, "L": 139},
    "depthwise_conv1d": {"N": 2},
    "depthwise_conv1d_tiles": {"N": 2},
} | {name: {"N": 3} for name in ("mamba_scan", "mamba_scan_tiles", "mamba_scan_states")}
"""Where ragged dimensions in common would make a kernel needlessly long."""


def programs(kernel: Program, dims: dict[str, int], chip: str) -> list[engine.EngineProgram]:
    """The program of the model's pick, and of a drawn configuration that fits."""
    on, draw = load_chip(chip), random.Random(kernel.name)
    found = [engine.lower(kernel, dims, on, engine.default_config(kernel, dims, on))]
    for _ in range(20):
        config: dict[str, Choice] = {
            each.name: draw.choice([48, 64, 100, 128])
            if each.kind == "tile" and len(each.values) > 1
            else draw.choice(each.values)
            for each in engine.tunables(kernel, dims, on)
        }
        try:
            return [*found, engine.lower(kernel, dims, on, config)]
        except engine.Infeasible:
            continue
    return found


CASES = [(name, "trn1", "f32") for name in KERNELS] + [(name, "trn2", "bf16") for name in KERNELS if "attention" in name]


@pytest.mark.parametrize(("name", "chip", "element"), CASES)
def test_right_at_ragged_shapes(name: str, chip: str, element: str) -> None:
    definition = KERNELS[name]
    constants = {"causal": True} if name == "attention_head" and chip == "trn2" else {}
    kernel = definition.specialise({"T": ELEMENT_TYPES[element]}, constants)
    dims = {each: {**DIMS, **SHAPES.get(name, {})}[each] for each in kernel.signature.dimensions}
    for seed, program in enumerate(programs(kernel, dims, chip)):
        check(kernel, dims, program, seed)
