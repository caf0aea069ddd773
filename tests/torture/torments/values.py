"""Random kernels: every execution gives what the plain loop gives."""

from __future__ import annotations

import dataclasses
import random
import re
from pathlib import Path

from tilery.dsl.errors import TileryError

from ...engine.drawn import hold_values
from ...judges import court, kernels, other_sizes
from ..torment import Fault, Torment


def judged(choose: random.Random, folder: Path) -> None:
    """A random kernel with overlapping stores, scatters, split sums, strided arguments, every type; its sizes in another form."""
    case = kernels.case(choose.randrange(2**48))
    _trial(case)
    drawn = choose.choice(list(other_sizes.rewritten(case)))
    found = other_sizes.trial(drawn)
    if found and found.faults:
        raise Fault("\n".join(found.faults) + f"\n{drawn.constants} {drawn.case}", {"kernel.tk": drawn.case.text})


def _trial(case: kernels.Case) -> None:
    if faults := court.trial(case).faults:
        raise Fault("\n".join(faults) + f"\n{case}", {"case.txt": str(case), "kernel.tk": case.text})


ALIKE = [
    ["+", "-", "*", "max", "min"],
    ["0", "1", "2", "3", "7", "0.5"],
    ["abs", "relu", "square", "exp", "sqrt", "tanh", "floor"],
    ["f32", "bf16", "f16", "f8e4m3", "i32", "i16", "i8", "u8", "bool"],
    ["sum", "max", "min", "argmax", "argmin", "cumsum"],
    ["<", "<=", ">", ">=", "==", "!="],
    ["=", "+="],
]
"""Words that may stand in each other's place."""
WORD = re.compile(r"\w+(?:\.\d+)?|[<>=!+]=|[-+*<>=]")


def mutant(case: kernels.Case, choose: random.Random) -> kernels.Case:
    """The case with words of its tile text exchanged for their like; what it computes then nobody has thought of."""
    body = case.text.rindex("    tile ")
    head, tail = case.text[: case.text.index("\n") + 1], case.text[body:]
    for _ in range(choose.randint(1, 4)):
        found = [(each, group) for each in WORD.finditer(tail) for group in ALIKE if each[0] in group]
        if found:
            word, group = choose.choice(found)
            tail = tail[: word.start()] + choose.choice(group) + tail[word.end() :]
    # Without its reference, which is that of another kernel now; and its roundings may grow.
    return dataclasses.replace(case, text=head + tail, smooth=False, unrounded=False)


def mutated(choose: random.Random, folder: Path) -> None:
    """A random kernel with words exchanged, if it is one still."""
    for _ in range(20):
        case = mutant(kernels.case(choose.randrange(2**48)), choose)
        try:
            kernels.checked(case)
            made, _ = court.bound(case)
        except TileryError:
            continue
        # A size that the text gives holds for every execution, and its number may be one of the exchanged words.
        given = {
            each.axis.name: each.by.choices[0] for each in made.loop_variables if each.by.choices and len(each.by.choices) == 1
        }
        _trial(dataclasses.replace(case, tiles={**case.tiles, **given}))
        return


def referenced(choose: random.Random, folder: Path) -> None:
    """A random kernel with matrix products, whole rows or a running maximum, at sizes up to 200, against its reference."""
    hold_values(choose.randrange(2**48))


JUDGED = Torment(
    "judges", "random kernels: emulators and exact execution give what a plain loop gives", judged, limit_s=120, share=2.0
)
MUTANTS = Torment("mutants", "the same with words exchanged for their like", mutated, limit_s=120, share=2.0)
REFERENCED = Torment("references", "random kernels at ragged sizes and any knobs against their float64 reference", referenced)
