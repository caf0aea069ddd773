"""A random kernel written with other forms of sizes, which must give the same: `...`, an `int` constant, `1 or M`."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tilery import dsl
from tilery.dsl import bind_dimensions, check_requirements, program
from tilery.dsl.errors import SourceErrors

from . import court, plain
from .kernels import Case
from .memory import Stray

_HEADING = re.compile(r"^kernel drawn\((.*?)\)(?= ->|:\n)", re.S)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A kernel with another form of a size, and the one that it comes from, with arguments broadcast where its own are not."""

    case: Case
    constants: dict[str, int]
    origin: Case


def rewritten(case: Case) -> Iterator[Rewritten]:
    """The case with some of its dimensions written in other forms, each by itself; the same for the same case."""
    draw = random.Random(case.seed)
    signature = next(iter(dsl.parse(case.text).kernels.values())).signature
    name = draw.choice(signature.dimensions)
    yield Rewritten(dataclasses.replace(case, text=_renamed(case.text, name, "...")), {}, case)
    extent = bind_dimensions(signature, {each.name: np.shape(case.arguments[each.name]) for each in signature.tensors})[name]
    yield Rewritten(dataclasses.replace(case, text=_with_constant(case.text, name, extent)), {}, case)
    given = [each for each in signature.tensors if each.role == "argument"]
    places = [(each, place) for each in given for place, size in enumerate(each.shape) if isinstance(size, str)]
    for tensor, place in draw.sample(places, min(3, len(places))):
        yield _with_one(case, tensor, place)


def _renamed(text: str, name: str, other: str) -> str:
    return re.sub(rf"\b{name}\b", other, text)


def _with_constant(text: str, name: str, extent: int) -> str:
    """The dimension as an `int` constant with that default, among the parameters with defaults."""
    return re.sub(_HEADING, lambda heading: f"kernel drawn({heading.group(1)}, {name}: int = {extent})", text, count=1)


def _with_one(case: Case, tensor: program.Tensor, place: int) -> Rewritten:
    """One dimension of one argument as `1 or M`, with the first element of each row for all of them."""
    sizes = [str(each) for each in tensor.shape]
    before = f"{tensor.name}: {tensor.dtype}[{', '.join(sizes)}]"
    sizes[place] = f"1 or {sizes[place]}"
    text = case.text.replace(before, f"{tensor.name}: {tensor.dtype}[{', '.join(sizes)}]", 1)
    array = np.asarray(case.arguments[tensor.name])
    one = array.take([0], place) if array.shape[place] else array
    constants = {f"{tensor.name}.{tensor.shape[place]}": 1} if array.shape[place] > 1 else {}
    whole = np.ascontiguousarray(np.broadcast_to(one, array.shape))
    return Rewritten(
        dataclasses.replace(case, text=text, arguments={**case.arguments, tensor.name: one}),
        constants,
        dataclasses.replace(case, arguments={**case.arguments, tensor.name: whole}),
    )


def trial(drawn: Rewritten) -> court.Trial | None:
    """Every execution of the rewritten kernel against the plain loop of its origin; None where the form is not for this kernel.

    That is where it leaves a dimension that nothing says, reads beyond `1 or M`, or points outside.
    """
    try:
        wanted = plain.judged(drawn.origin.text, drawn.origin.arguments, drawn.origin.tiles)
        (definition,) = dsl.parse(drawn.case.text).kernels.values()
    except (Stray, SourceErrors):
        return None
    kernel = definition.specialise({}, drawn.constants)
    shapes = {each.name: np.shape(drawn.case.arguments[each.name]) for each in kernel.signature.tensors}
    dims = bind_dimensions(kernel.signature, shapes)
    check_requirements(kernel, dims)
    found = court.Trial(exact=wanted.exact)
    ways = court.ways(drawn.case, kernel, dims)
    ways["plain"] = lambda: plain.judged(kernel, drawn.case.arguments, drawn.case.tiles).results
    for name, way in ways.items():
        court.hold(found, name, way, wanted, drawn.case, kernel)
    return found
