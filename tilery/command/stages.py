"""The stages that `tilery show` prints, each as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tilery.backends.machine.listing import print_engine_program
from tilery.dsl import print_program
from tilery.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the pipeline."""

    what: str
    """What it shows, in a few words."""
    text: Callable[[Pipeline], str]


STAGES = {
    "source": Stage("the text", lambda pipeline: pipeline.definition.kernel.span.source.text),
    "checked": Stage("the checked program, types and constants open", lambda pipeline: print_program(pipeline.definition.kernel)),
    "program": Stage("the program specialised to types and constants", lambda pipeline: print_program(pipeline.program)),
    "engine": Stage("the engine program of the configuration", lambda pipeline: print_engine_program(pipeline.lowered)),
}
"""The stages by name, in the order of the pipeline."""
