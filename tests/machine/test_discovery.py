"""The knobs of a kernel are found with few lowerings, and what configurations share is lowered once."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path

import pytest

from tilery.backends.chips import load_chip
from tilery.backends.machine.choices import Choices
from tilery.backends.machine.choosing.answers import Answers
from tilery.backends.machine.choosing.discovery import discover
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.listing import print_engine_program
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.trainium.lowering.lower import Lowering
from tilery.backends.tunable import Choice, Tunable
from tilery.dsl import load
from tilery.dsl.program import Program
from tilery.dsl.types import BF16

ROOT = Path(__file__).parents[2]
FILES = (
    *sorted((ROOT / "kernels").glob("*.tk")),
    *sorted((ROOT / "tests/tuner/heavy").glob("*.tk")),
    *sorted((ROOT / "tests/kernels/in_place").glob("*.tk")),
    ROOT / "tests/kernels/layernorm.tk",
    ROOT / "tests/kernels/argmax.tk",
    ROOT / "tests/kernels/recurrences/scanned_recurrence.tk",
)
TRN2 = trainium(load_chip("trn2"))


def kernels(file: Path) -> list[Program]:
    """The kernels of a file that the chip can run, in bf16."""
    made = [
        each.specialise(dict.fromkeys(each.signature.type_variables, BF16), {})
        for each in load(file).kernels.values()
        if each.name != "scatter_max"
    ]
    assert made
    return made


def wide_stages(name: str) -> bool:
    """Whether a knob is the number of stages of the loop around the tiles of a wide transfer, `stages.k.512`."""
    return name.startswith("stages.") and name.rpartition(".")[2].isdigit()


def each_alone(road: Lowering) -> tuple[dict[str, Tunable], list[Choices]]:
    """The knobs as they are found where every choice is tried alone."""
    return discover(lambda given: road.built(given)[1], lambda name: False)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_all_knobs_are_found_that_changing_each_alone_finds(file: Path) -> None:
    for kernel in kernels(file):
        road = Lowering(kernel, TRN2)
        alone, many = each_alone(road)
        # The steps of a wide transfer's loop may have stages, too: these are not looked for, at each of its widths.
        for name, knob in ((name, knob) for name, knob in alone.items() if not wide_stages(name)):
            missed = set(knob.values) - set(road.knobs[name].values)
            # The more stages, the fewer the engines with which there are so many: the last one may be missed.
            assert missed <= ({knob.values[-1]} if name.startswith("stages") and len(knob.values) > 2 else set())
        assert len(road.lowerings) <= 17 + len(many) // 4


def test_the_heaviest_kernels_take_some_two_dozen_lowerings() -> None:
    for name in ("attention_backward", "wide"):
        (kernel,) = kernels(ROOT / f"tests/tuner/heavy/{name}.tk")
        road = Lowering(kernel, TRN2)
        assert len(road.knobs) > 30
        assert len(road.lowerings) <= 25


@pytest.mark.parametrize("name", ["softmax", "attention", "matmul"])
def test_a_structure_that_was_kept_is_what_lowering_again_makes(name: str) -> None:
    kernel = (
        load(ROOT / f"kernels/{name}.tk").kernels[name].specialise({"T": BF16}, {"causal": True} if name == "attention" else {})
    )
    road, draw = Lowering(kernel, TRN2), random.Random(name)
    dims = dict.fromkeys("MNKHSL", 512) | {"D": 64}
    defaults = {each.name: each.default for each in (*road.tile_sizes(dims), *road.knobs.values())}
    for _ in range(12):
        config = {**defaults, **{each.name: draw.choice(each.values) for each in road.knobs.values()}}
        kept, fresh = road.structure(config), Lowering(kernel, TRN2).structure(config)
        assert print_engine_program(EngineProgram(kept, dims, config)) == print_engine_program(EngineProgram(fresh, dims, config))
        # What a lowering says that it depends on makes the same program again.
        assert road.structure(kept.choices) is kept


def test_questions_may_depend_on_answers() -> None:
    """`b` is asked only where `a` is 1, and has more options where `c` is 2."""
    answers = Answers[Choices]()
    lowered = 0
    for a, b, c in product((0, 1), (1, 2, 3), (1, 2)):
        given: dict[str, Choice] = {"a": a, "b": b, "c": c}
        found = answers.find(given)
        if found is None:
            lowered += 1
            found = Choices(given)
            many = found.pick("c", (1, 2), "") == 2
            if found.pick("a", (0, 1), "") == 1:
                found.pick("b", (1, 2, 3) if many else (1, 2), "")
            answers.add(found.asked, found)
        assert found.used() == {"c": c, "a": a} | ({"b": b if c == 2 else min(b, 2)} if a == 1 else {})
        assert answers.find(given) is found
    assert lowered == 7
