"""What `check`, `explain`, `show` and `chips` do."""

from __future__ import annotations

from tilery import dsl
from tilery.backends.chips import chip_names, load_chip
from tilery.backends.machine.errors import Infeasible
from tilery.backends.trainium.apart import Apart, elements_apart
from tilery.dsl.errors import Mistakes, TileryError, UsageError
from tilery.pages.chips_page import print_chip, print_chips
from tilery.pages.console import console, echo, print_json
from tilery.pages.explain_page import explained, print_explanation
from tilery.pipeline import Pipeline
from tilery.tuner.model.engine_model import EngineModel
from tilery.tuner.space.feasibility import survey
from tilery.tuner.space.space import Space

from .shared.opening import open_pipeline
from .stages import STAGES


def check(files: tuple[str, ...], as_json: bool) -> None:
    """Prints what each file holds; raises `Mistakes` with those of all files."""
    mistakes: list[TileryError] = []
    held: list[dict[str, object]] = []
    for file in files:
        try:
            module = dsl.load(file)
        except TileryError as error:
            mistakes.append(error)
            continue
        for warning in module.warnings:
            echo(f"{warning}\n", error=True)
        held += [_described(file, each) for each in module.kernels.values()]
    if as_json:
        print_json({"kernels": held, "mistakes": [str(each) for each in mistakes]})
    else:
        for each in held:
            echo(f"{each['file']}: kernel {each['kernel']}: {each['doc']}")
    if mistakes:
        raise Mistakes(mistakes)


def _described(file: str, definition: dsl.KernelDefinition) -> dict[str, object]:
    signature = definition.signature
    return {
        "file": file,
        "kernel": definition.name,
        "doc": definition.doc.strip().split("\n")[0],
        "dimensions": signature.dimensions,
        "types": signature.type_variables,
        "constants": {each.name: each.default for each in signature.constants},
        "scalars": {each.name: each.default for each in signature.scalars},
    }


def explain(file: str, names: tuple[str, ...], chip: str, what_if: tuple[str, ...], as_json: bool) -> None:
    """Prints the search space, the reasons of its bounds, and what each limit of the chip rules out."""
    pipeline = open_pipeline(file, names, chip, what_if=what_if)
    model = EngineModel(pipeline.program, pipeline.dims, pipeline.chip)
    space = Space(model.tunables)
    landscape = survey(model, space, start=0)
    explanation = explained(landscape, _apart(pipeline) if landscape.feasible else ())
    if as_json:
        print_json(explanation)
    else:
        print_explanation(console(), pipeline.request, explanation)
    if not landscape.feasible:
        model.default()  # raises, and names the limit that is violated least


def _apart(pipeline: Pipeline) -> tuple[Apart, ...]:
    """What meets device memory an element at a time, with the configuration that `simulate` takes, if it finds one."""
    try:
        return elements_apart(pipeline.lowered)
    except Infeasible:
        return ()  # a space of which so little fits that the pick misses it: the limits above say so


def show(
    file: str,
    names: tuple[str, ...],
    chip: str,
    as_json: bool,
    choices: tuple[str, ...],
    tuned: str | None,
    stage: str | None,
) -> None:
    """Prints the program after one stage, or the stages there are."""
    if stage is None:
        if as_json:
            print_json({name: each.what for name, each in STAGES.items()})
        else:
            echo("\n".join(f"{name:12} {each.what}" for name, each in STAGES.items()))
        return
    if stage not in STAGES:
        raise UsageError(f"there is no stage `{stage}`; there are {', '.join(STAGES)}")
    text = STAGES[stage].text(open_pipeline(file, names, chip, choices, tuned))
    if as_json:
        print_json({"stage": stage, "text": text})
    else:
        echo(text)


def chips(name: str | None, as_json: bool) -> None:
    """Prints the chips there are, or the numbers of one."""
    known = [load_chip(each) for each in ([name] if name else chip_names())]
    if as_json:
        print_json(known[0] if name else known)
    elif name:
        print_chip(console(), known[0])
    else:
        print_chips(console(), known)
