"""The task of a process of `--jobs`: a line of JSON on its standard input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tilery.tuner.options import Options

if TYPE_CHECKING:
    from tilery.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Task:
    """A kernel, its shape and chip, and how to tune it."""

    file: str
    kernel: str
    given: dict[str, Any]
    chip: str
    cores: int
    what_if: tuple[str, ...]
    options: Options


def task_of(pipeline: Pipeline, options: Options) -> Task:
    """What makes the same pipeline in another process."""
    return Task(
        pipeline.definition.kernel.span.source.name,
        pipeline.program.name,
        dict(pipeline.given),
        pipeline.chip_name,
        pipeline.cores,
        tuple(pipeline.what_if),
        options,
    )


def written(task: Task) -> str:
    """As a line."""
    return msgspec.json.encode(task).decode() + "\n"


def read(line: str) -> Task:
    """From its line."""
    return msgspec.json.decode(line, type=Task)
