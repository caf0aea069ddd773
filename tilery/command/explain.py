"""`tilery explain`: the search space of a kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from .shared.parameters import options, shape_options, what_if_option

if TYPE_CHECKING:
    from tilery.backends.machine.errors import Infeasible
    from tilery.backends.machine.explain.elements import Apart
    from tilery.pipeline import Pipeline
    from tilery.tuner.model.engine_model import EngineModel

PATIENCE_S = 15.0
"""A space that would take longer to check is sampled, as a tuning samples it; the page says how much of it was checked."""


@click.command(epilog="\b\nExample:\n  tilery explain kernels/matmul.tk M=2048 K=4096 N=14336 --chip trn1")
@options(shape_options, what_if_option)
def explain(file: str, names: tuple[str, ...], chip: str, what_if: tuple[str, ...], as_json: bool) -> None:
    """The search space, why it ends where it does, what does not fit."""
    from tilery.backends.drawing import ranges
    from tilery.pages.console import console, print_json
    from tilery.pages.explain_page import explained, print_explanation
    from tilery.tuner.model.engine_model import EngineModel
    from tilery.tuner.space.configurations import Space
    from tilery.tuner.space.feasibility import survey

    from .shared.opening import open_pipeline

    pipeline = open_pipeline(file, names, chip, what_if=what_if)
    model = EngineModel(pipeline.program, pipeline.dims, pipeline.chip)
    space = Space(model.tunables)
    landscape = survey(model, space, start=0, patience_s=PATIENCE_S)
    explanation = explained(landscape, _apart(pipeline) if landscape.feasible else (), ranges(pipeline.program, pipeline.dims))
    problem = None if landscape.feasible else _nothing_fits(model)
    if as_json:
        found = () if problem is None else tuple(each.fields for each in problem.diagnostics)
        print_json(replace(explanation, diagnostics=found))
    else:
        print_explanation(console(), pipeline.request, explanation)
    if problem:
        raise problem


def _nothing_fits(model: EngineModel) -> Infeasible | None:
    """The error that names the limit which is violated least."""
    from tilery.backends.machine.errors import Infeasible

    try:
        model.default()
    except Infeasible as error:
        return error
    return None


def _apart(pipeline: Pipeline) -> tuple[Apart, ...]:
    """The transfers of single elements in the configuration that `simulate` takes, if there is one that fits."""
    from tilery.backends.machine.errors import Infeasible

    try:
        return pipeline.lowered.family.elements_apart(pipeline.lowered)
    except Infeasible:
        return ()  # a space of which so little fits that the pick misses it: the limits above say so
