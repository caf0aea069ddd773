"""What a command of the user's is told of the configuration that it is to measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tilery.backends.tunable import Choice, Config
from tilery.dsl.errors import UsageError
from tilery.freezing import frozen
from tilery.tuner.measured.command import Command

if TYPE_CHECKING:
    from tilery.pipeline import Pipeline


def measurement(
    pipeline: Pipeline, measure: str | Callable[[Mapping[str, Choice]], float], timeout_s: float | None
) -> Callable[[Mapping[str, Choice]], float]:
    """The command of a command line, which gets the configuration as JSON; a function as it is.

    `UsageError` if the command cannot be run.
    """
    if not isinstance(measure, str):
        if timeout_s is not None:
            raise UsageError("a timeout is for a command; a function has to see to its time itself")
        return measure
    return Command(measure, lambda config, folder: description(pipeline, config, folder), timeout_s)


def description(pipeline: Pipeline, config: Config, folder: Path) -> dict[str, object]:
    """The configuration and what it is one of; `frozen` is a copy of the kernel with its tile sizes written in."""
    source = Path(pipeline.definition.kernel.span.source.name)
    copy = folder / source.name
    copy.write_text(frozen(pipeline.definition, config), encoding="utf-8")
    return {
        "kernel": pipeline.program.name,
        "file": str(source.resolve()),
        "frozen": str(copy),
        "chip": pipeline.chip_name,
        "what_if": list(pipeline.what_if),
        "types": {name: str(kind) for name, kind in pipeline.program.types.items()},
        "dims": dict(pipeline.dims),
        "constants": dict(pipeline.program.constants),
        "config": dict(config),
    }
