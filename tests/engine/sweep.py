"""The sweep over every operation, element type, place of the axis and chip: what may come of a kernel, and that it holds.

python -m tests.engine.sweep              everything, some minutes
python -m tests.engine.sweep trn2 i8 u8   one chip, some types
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tilery.backends import engine
from tilery.backends.chips import Chip, load_chip
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.errors import CannotLower
from tilery.backends.machine.explain.roofline import roofline
from tilery.backends.machine.explain.waterfall import waterfall
from tilery.backends.trainium.lowering.lower import is_structural
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.reference import reference
from tilery.backends.tunable import Choice
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

from .every_operation import DIMS, arguments, kernels

OWN = str(Path(__file__).parents[2] / "examples" / "npu16.toml")
CHIPS = ("trn1", "trn2", "trn3", "inf2", OWN)


def outcome(kernel: Program, chip: Chip, seed: int = 0) -> str:
    """`ran`: lowered, timed with no share over 1, executed with the reference's values; else why the chip refuses it."""
    try:
        config = engine.default_config(kernel, DIMS, chip)
        program = engine.lower(kernel, DIMS, chip, config)
        turned = _turned(kernel, chip, config, seed)
    except CannotLower as refusal:
        assert "help:" in str(refusal) and chip.name in str(refusal)
        return "cannot lower"
    except engine.Infeasible:
        return "infeasible"
    for each in (program, turned):
        shares_hold(each)
        given = arguments(kernel, DIMS, seed)
        # Of truth values much divides by 0, and proves nothing.
        assert compare(kernel, DIMS, engine.execute(each, given), reference(kernel, DIMS, given), given).verdict != "wrong"
    return "ran"


def _turned(kernel: Program, chip: Chip, config: Mapping[str, Choice], seed: int) -> EngineProgram:
    """The same with its structural knobs drawn; as it was, if that fits no more."""
    draw = random.Random(seed)
    knobs = engine.tunables(kernel, DIMS, chip, settable=True)
    drawn = {each.name: draw.choice(each.values) for each in knobs if is_structural(each.name)}
    try:
        return engine.lower(kernel, DIMS, chip, {**config, **drawn})
    except engine.Infeasible:
        return engine.lower(kernel, DIMS, chip, config)


def shares_hold(program: EngineProgram) -> None:
    """Asserts that nothing is used by more than there is of it, on any page that says so."""
    report = engine.simulate(program)
    busy = [each.busy_share for each in report.engines.values()]
    assert min(busy) >= 0 and max(*busy, report.peak_share, report.bandwidth_share) <= 1 + 1e-9, report
    assert report.flops / report.latency_us * 1e6 <= report.peak_flops * (1 + 1e-9)
    roof = roofline(program, report.latency_us)
    assert roof.achieved_per_s <= roof.peak_per_s * (1 + 1e-9), roof
    for level in roof.levels:
        assert roof.achieved_per_s <= level.bytes_per_s * level.operations_per_byte * (1 + 1e-9), level
    steps = waterfall(program)
    assert all(step.adds_us >= 0 for step in steps) and steps[0].adds_us <= report.latency_us * (1 + 1e-9)


def main(chips: list[str], types: list[str]) -> None:
    """Prints how many kernels ran, and how many were refused."""
    found: Counter[tuple[str, str]] = Counter()
    for name in chips:
        for seed, (label, kernel) in enumerate(kernels(tuple(types))):
            try:
                found[Path(name).stem, outcome(kernel, load_chip(name), seed)] += 1
            except Exception as problem:  # the sweep goes on, and tells all of them
                found[Path(name).stem, "FAILED"] += 1
                print(f"{name}: {label}: {type(problem).__name__}: {problem}")
    for (chip, what), count in sorted(found.items()):
        print(f"{chip:8} {what:14} {count:6}")
    sys.exit(any(what == "FAILED" for _, what in found))


if __name__ == "__main__":
    asked = sys.argv[1:]
    main(
        [each for each in asked if each not in ELEMENT_TYPES] or [*CHIPS],
        [each for each in asked if each in ELEMENT_TYPES] or [*ELEMENT_TYPES],
    )
