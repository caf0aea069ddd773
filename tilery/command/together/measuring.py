"""What a user's command reads about the configuration that it should measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tilery.backends.tunable import Config
from tilery.freezing import frozen
from tilery.tuner.measured.command import Command
from tilery.tuner.options import Options

if TYPE_CHECKING:
    from tilery.pipeline import Pipeline


def command(pipeline: Pipeline, options: Options) -> Command | None:
    """The command that measures, which gets the configuration as JSON; None if none is named. `UsageError` if it cannot run."""
    if options.measure is None:
        return None
    return Command(options.measure, lambda config, folder: description(pipeline, config, folder), options.measure_timeout_s)


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
