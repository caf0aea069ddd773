"""The stages that `tilery show` prints, each as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from tilery.backends.chips import Chip
from tilery.backends.families import family_of
from tilery.backends.machine.listing import print_engine_program
from tilery.backends.simplify.edges import in_words
from tilery.backends.simplify.hoist import hoist
from tilery.backends.simplify.inline import inline
from tilery.backends.simplify.passes import run
from tilery.backends.simplify.prune import prune
from tilery.backends.simplify.share import share
from tilery.dsl import print_program
from tilery.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the pipeline."""

    what: str
    """What it shows, in a few words."""
    text: Callable[[Pipeline], str]


def stages(chip: Chip) -> dict[str, Stage]:
    """The stages by name, in the order of the pipeline; those in between are the passes of the chip's family."""
    passes = family_of(chip).passes(chip)
    return {
        "source": Stage("the text", lambda pipeline: pipeline.definition.kernel.span.source.text),
        "checked": Stage(
            "the checked program, types and constants open", lambda pipeline: print_program(pipeline.definition.kernel)
        ),
        "program": Stage("the program specialised to types and constants", lambda pipeline: print_program(pipeline.program)),
        **{each.name: Stage(each.what, partial(_after, each.name)) for each in passes},
        "edges": Stage("what has to stand beyond the end of an axis, for every reader", _edges),
        "engine": Stage("the engine program of the configuration", lambda pipeline: print_engine_program(pipeline.lowered)),
    }


def _edges(pipeline: Pipeline) -> str:
    """For targets whose tiles have one size; here the last step of a loop is cut short."""
    body = pipeline.scheduled.body
    return f"# {pipeline.program.name}\n{in_words(prune(hoist(share(inline(body)))))}"


def _after(name: str, pipeline: Pipeline) -> str:
    """The program as a pass leaves it, with whether it changed anything, and its time."""
    kernel = pipeline.scheduled
    passed = next(each for each in run(family_of(pipeline.chip).passes(pipeline.chip), kernel.body) if each.name == name)
    changed = "changed the program" if passed.changed else "had nothing to do"
    return f"# {name} {changed}, in {1e3 * passed.seconds:.2f} ms\n{print_program(replace(kernel, body=passed.body))}"
