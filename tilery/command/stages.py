"""The stages that `tilery show` prints, each as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from tilery.backends.chips import load_chip
from tilery.backends.machine.listing import print_engine_program
from tilery.backends.trainium.lowering.lower import lowering
from tilery.backends.trainium.lowering.prepare import passes
from tilery.dsl import print_program
from tilery.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the pipeline."""

    what: str
    """What it shows, in a few words."""
    text: Callable[[Pipeline], str]


def _after(name: str, pipeline: Pipeline) -> str:
    """The program as a pass leaves it, with whether it changed anything, and its time."""
    passed = next(each for each in lowering(pipeline.scheduled, pipeline.chip).passed if each.name == name)
    changed = "changed the program" if passed.changed else "had nothing to do"
    return f"# {name} {changed}, in {1e3 * passed.seconds:.2f} ms\n" + print_program(
        replace(pipeline.scheduled, body=passed.body)
    )


STAGES = {
    "source": Stage("the text", lambda pipeline: pipeline.definition.kernel.span.source.text),
    "checked": Stage("the checked program, types and constants open", lambda pipeline: print_program(pipeline.definition.kernel)),
    "program": Stage("the program specialised to types and constants", lambda pipeline: print_program(pipeline.program)),
    **{each.name: Stage(each.what, partial(_after, each.name)) for each in passes(load_chip("trn2"))},
    "engine": Stage("the engine program of the configuration", lambda pipeline: print_engine_program(pipeline.lowered)),
}
"""The stages by name, in the order of the pipeline."""
