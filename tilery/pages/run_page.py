"""The page of `run`, and the head that it shares with others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from tilery.backends.truth.comparison import Comparison, other_data
from tilery.pipeline import Pipeline
from tilery.tuner.results.choose import Chosen

from .console import config_text, facts


def print_run(
    console: Console,
    pipeline: Pipeline,
    how: str,
    wall_s: float,
    comparison: Comparison | None,
    probed: Mapping[str, str],
    emulated: bool,
) -> None:
    """Prints how a run on random data compares with the reference, and how long it took here."""
    print_head(console, pipeline, emulated)
    page = facts()
    if comparison:
        page.add_row("values", _verdict(comparison))
        if comparison.verdict == "unproven":
            page.add_row("what to do", other_data(pipeline.program.signature))
    else:
        page.add_row("values", "the kernel has no reference to compare with")
    page.add_row("time", f"{wall_s:.3f} s {how}, on this machine")
    for name, form in probed.items():
        page.add_row(name, Text(form))
    console.print(page)


def _verdict(comparison: Comparison) -> Text:
    word, style = {
        "right": ("right", "bold green"),
        "wrong": ("WRONG", "bold red"),
        "unproven": ("UNPROVEN", "bold yellow"),
    }[comparison.verdict]
    return Text(word, style=style).append(f": {comparison}", style="default not bold")


def print_head(console: Console, pipeline: Pipeline, emulated: bool = False) -> None:
    """What the figures below are figures of; with `emulated`, of the emulator's tiles."""
    console.print(Text(f"\n{pipeline.title}\n", style="bold cyan"))
    page = facts()
    config, chosen, note = (
        (pipeline.tiles, pipeline.for_values, pipeline.values_note)
        if emulated
        else (pipeline.config, pipeline.chosen, pipeline.note)
    )
    whence = Text(note, style="yellow") if note else Text(_origin(pipeline, chosen))
    page.add_row("configuration", whence.append(f"\n{config_text(config)}", style="not yellow dim"))
    console.print(page)


def run_figures(
    pipeline: Pipeline,
    on_chip: bool,
    wall_s: float,
    comparison: Comparison | None,
    *,
    probed: Mapping[str, str],
    drawn: Mapping[str, str],
) -> dict[str, object]:
    """The same for machines."""
    compared = {**asdict(comparison), "ok": comparison.ok} if comparison else {}
    return {
        **identity(pipeline, not on_chip),
        "exact": on_chip,
        "wall_s": wall_s,
        "probed": probed,
        "drawn": drawn,
        **compared,
    }


def identity(pipeline: Pipeline, emulated: bool = False) -> dict[str, object]:
    """What a figure is a figure of; with `emulated`, of the emulator's tiles."""
    return {
        "kernel": pipeline.program.name,
        "chip": pipeline.chip.name,
        "types": {name: str(kind) for name, kind in pipeline.program.types.items()},
        "dims": pipeline.dims,
        "constants": pipeline.program.constants,
        "config": pipeline.tiles if emulated else pipeline.config,
        "origin": (pipeline.for_values if emulated else pipeline.chosen).origin,
    }


def _origin(pipeline: Pipeline, chosen: Chosen) -> str:
    """Where a configuration comes from, in words."""
    words = {
        "tuned": "tuned entry",
        "nearest": "adapted from the nearest tuned entry",
        "borrowed": "borrowed from another chip's tuned entry",
        "default": "the model's default",
        "cores": f"the model's default for {pipeline.cores} cores",
        "emulator": "the emulator's own tiles",
    }[chosen.origin]
    return f"{words}, with --set" if pipeline.overrides else words
