"""The kernels that prove a construct of the language each, executed instruction by instruction, or refused for a reason."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.data import random_arguments
from tilery.backends.truth.reference import reference
from tilery.backends.tunable import Choice
from tilery.dsl import check_requirements, load
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

FOLDER = Path(__file__).parents[1] / "kernels"
KERNELS = [
    (path, name)
    for path in sorted(FOLDER.rglob("*.tk"))
    for name, definition in load(path).kernels.items()
    if definition.kernel.reference and path.parent.name != "experts" and name != "delta_rule"
]
"""Those of experts are in `forms/test_experts.py`. The delta rule's products need more than the eight banks of PSUM."""
CASES = [
    (path, name, element)
    for path, name in KERNELS
    for element in (("f32", "bf16") if load(path).kernels[name].signature.type_variables else ("f32",))
]
MANY_PRODUCTS = {"rnn", "gru", "lstm"}
"""Kernels whose pick takes seconds: one case each here, the networks on every chip in `test_parts.py`."""
SPECIAL: dict[str, dict[str, int]] = {
    "conv2d": {"N": 2, "C": 140, "H": 9, "W": 23, "O": 45, "R": 3, "S": 3},
    "average_pool": {"N": 3, "H": 21, "W": 131},
    "causal_conv1d": {"B": 2, "S": 141, "D": 75, "K": 4},
    "grouped_query_attention": {"G": 2, "R": 3, "S": 141, "D": 37, "L": 259},
    "sliding_window": {"H": 2, "S": 270, "D": 37, "L": 270},
    "linear_recurrence": {"S": 60, "D": 140},
    "selective_scan": {"D": 141, "S": 267, "N": 5},
    "selective_scan_by_steps": {"D": 141, "S": 30, "N": 5},
    "int4_matmul": {"M": 141, "B": 2, "R": 40, "N": 75},
    "mx_matmul": {"M": 141, "G": 2, "R": 32, "N": 75},
    "experts": {"S": 141, "D": 50, "E": 3, "F": 75},
    "grid_sample": {"B": 2, "H": 9, "W": 11, "C": 33, "P": 141},
    "looked_up": {"K": 33, "M": 141, "N": 75},
    "tiled_bias": {"Q": 75, "P": 5, "G": 141},
    "periodic": {"M": 141, "N": 267, "P": 13, "Q": 17},
    "split_k": {"M": 141, "K": 2311, "N": 77},
    "convolution": {"N": 1, "C": 45, "H": 7, "W": 23, "O": 17},
    "average_pooling": {"C": 75, "H": 11, "W": 33},
    "max_pooling": {"C": 75, "H": 11, "W": 33},
    "resized": {"C": 41, "H": 9, "W": 13},
    "attention_rows": {"H": 2, "S": 141, "D": 37, "L": 259},
    "conv1d_window": {"B": 2, "C": 75, "W": 141, "O": 45, "R": 3},
    "causal_window": {"C": 141, "S": 267, "K": 4},
    "linear_attention": {"H": 2, "S": 270, "D": 37, "E": 41},
    "self_attention": {"B": 2, "S": 141, "D": 37},
    "newton_schulz": {"M": 41, "N": 75},
    "sort_rows": {"M": 141, "N": 17},
    "grouped_heads": {"R": 2, "S": 70, "D": 37, "L": 131},
    "loss": {"M": 21, "N": 267},
    "attention_block": {"S": 141, "D": 75, "E": 37},
    "mlp": {"M": 141, "D": 75, "H": 267},
    "batch_norm_training": {"N": 75, "C": 141},
    "decode": {"B": 3, "H": 5, "D": 37, "L": 141},
    "prompt_append": {"S": 141, "D": 37, "L": 267},
    "rnn": {"B": 5, "S": 3, "D": 37, "H": 40},
    "gru": {"B": 5, "S": 3, "D": 37, "H": 40},
    "lstm": {"B": 5, "S": 3, "D": 37, "H": 40},
    "scatter_rows": {"S": 141, "D": 37, "V": 267},
}
REFUSED = {("int8_matmul", "trn1"), ("int8_matmul", "trn2")} | {(name, "trn1") for name in ("embedding", "embedding_gradient")}
REFUSED |= {(name, "trn1") for name in ("kv_append", "prompt_append", "scatter_rows", "decode")}
REFUSED |= {("mixed_int8_matmul", "trn1"), ("mixed_int8_matmul", "trn2")}
REFUSED |= {(name, "trn1") for name in ("experts", "grid_sample", "periodic")}
REFUSED |= {("trace_of_product", "trn1"), ("trace_of_product", "trn2")}
REFUSED |= {("scatter_max", "trn1"), ("scatter_max", "trn2")}
"""The tensor engine multiplies no integers, trn1's DMA engines do not gather; no chip takes a maximum in device memory, nor the
diagonal of a tile."""


MOST_DRAWS = 20
"""Configurations that are drawn whole."""


def shape(kernel: Program) -> dict[str, int]:
    """A shape that is ragged in every dimension."""
    return SPECIAL.get(kernel.name, dict(zip(kernel.signature.dimensions, (141, 267, 133, 75), strict=False)))


def programs(kernel: Program, dims: dict[str, int], chip: str, count: int) -> list[engine.EngineProgram]:
    """The program of the model's pick, and of drawn configurations that fit; of kernels where few do, near the pick."""
    target, generator = load_chip(chip), random.Random(kernel.name)
    space = engine.tunables(kernel, dims, target)
    picked = engine.default_config(kernel, dims, target)
    found = [engine.lower(kernel, dims, target, picked)]
    draws = 0
    while len(found) < count:
        draws += 1
        drawn = space if draws <= MOST_DRAWS else generator.sample(space, max(1, 4 * MOST_DRAWS // draws))
        config: dict[str, Choice] = dict(picked) | {
            each.name: generator.choice([48, 64, 128, 200]) if each.kind == "tile" else generator.choice(each.values)
            for each in drawn
        }
        try:
            found.append(engine.lower(kernel, dims, target, config))
        except engine.Infeasible:
            continue
    return found


@pytest.mark.parametrize(
    ("path", "name", "element", "chip"),
    [
        (*case, chip)
        for case in CASES
        for chip in ("trn1", "trn2")
        if case[1] not in MANY_PRODUCTS or (case[2], chip) == ("bf16", "trn2")
    ],
)
def test_exact_execution_as_the_reference_says(path: Path, name: str, element: str, chip: str) -> None:
    definition = load(path).kernels[name]
    kernel = definition.specialise(dict.fromkeys(definition.signature.type_variables, ELEMENT_TYPES[element]), {})
    dims = shape(kernel)
    check_requirements(kernel, dims)
    if (name, chip) in REFUSED:
        with pytest.raises(engine.CannotLower) as caught:
            engine.lower(kernel, dims, load_chip(chip), {})
        assert chip in str(caught.value) and "help:" in str(caught.value)
        return
    arguments = random_arguments(kernel, dims, 3)
    wanted = reference(kernel, dims, arguments)
    for program in programs(kernel, dims, chip, 3):
        found = compare(kernel, dims, engine.execute(program, arguments), wanted)
        assert found.ok, f"{found} in {program.config}"
        assert latency_fs(program) == latency_fs(program, jump=False)
